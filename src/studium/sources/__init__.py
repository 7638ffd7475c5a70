"""Where units come from: folders of media, tables of posts, lists of URLs, and the exports of collection tools.

``sources.folder("images/")`` and ``sources.posts("posts.csv", media="file")`` make a source; iterating over one yields
posts, media files, links to media, what could not be used, and notes for the reader of the study.
"""

from studium.sources.folder import Folder
from studium.sources.fourcat import FourCat
from studium.sources.posts import Posts
from studium.sources.urls import Urls
from studium.sources.youtube import YouTube
from studium.sources.zeeschuimer import Zeeschuimer

__all__ = [
    "Folder",
    "FourCat",
    "Posts",
    "Urls",
    "YouTube",
    "Zeeschuimer",
    "folder",
    "fourcat",
    "posts",
    "urls",
    "youtube",
    "zeeschuimer",
]

folder = Folder
fourcat = FourCat
posts = Posts
urls = Urls
youtube = YouTube
zeeschuimer = Zeeschuimer
