"""Images, video, audio and posts as data: from collection to published inference."""
