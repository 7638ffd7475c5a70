"""Where units come from: folders of media, and tables of posts.

``sources.folder("images/")`` and ``sources.posts("posts.csv", media="file")`` make a source; iterating over one yields
posts, media files, what could not be used, and notes for the reader of the study.
"""

from studium.sources.folder import Folder
from studium.sources.posts import Posts

__all__ = ["Folder", "Posts", "folder", "posts"]

folder = Folder
posts = Posts
