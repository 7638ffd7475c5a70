"""From what a platform's page was sent to the columns of a posts table.

Names of fields are those that 4CAT reads (datasources/tiktok, instagram, twitter-import, threads).
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from studium.sources.columns import Scalar
from studium.sources.dates import to_iso
from studium.sources.platforms import MEDIA

__all__ = ["COLUMNS", "PLATFORMS", "Capture", "read"]

COLUMNS = tuple(
    f"id text author author_name date language region url likes comments shares views followers hashtags music is_ad "
    f"reply_to repost_of captured_at {MEDIA}".split()
)
_DOMAINS = {"tiktok": "tiktok", "instagram": "instagram", "twitter": "twitter", "x": "twitter", "threads": "threads"}


@dataclass(frozen=True, slots=True)
class Capture:
    """One captured post: nested objects as dotted names, lists as JSON text, as `studium.sources.tables` reads them.

    Attributes:
        platform: a key of `PLATFORMS`, or the domain it was captured on; "" if the row is no capture.
        captured: when, in milliseconds since 1970, or None.
        values: what the platform sent.
    """

    platform: str
    captured: Scalar
    values: Mapping[str, Scalar]

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "Capture":
        """A row of Zeeschuimer's own file (the post is in ``data``), or of 4CAT's (all else in ``__import_meta``)."""
        if any(name.startswith("data.") for name in row):
            meta, prefix = row, "data."
        else:
            meta = {k.removeprefix("__import_meta."): v for k, v in row.items() if k.startswith("__import_meta.")}
            prefix = ""
        domain = str(meta.get("source_platform") or "").removeprefix("www.").rpartition(".")[0]
        values = {name.removeprefix(prefix): value for name, value in row.items() if name.startswith(prefix)}
        return cls(_DOMAINS.get(domain, domain), meta.get("timestamp_collected"), values)

    def __call__(self, *names: str) -> Scalar:
        """The first of these values that there is."""
        return next((self.values[name] for name in names if self.values.get(name) not in (None, "")), None)

    def items(self, name: str) -> list[Any]:
        """A list, with everything in it as the platform nests it; [] if there is none."""
        text = self.values.get(name)
        try:
            found = json.loads(text) if isinstance(text, str) else None
        except ValueError:
            found = None
        return found if isinstance(found, list) else []


def read(it: Capture) -> dict[str, Any]:
    """The values of `COLUMNS`."""
    found = PLATFORMS[it.platform](it)
    media = list(dict.fromkeys(url for url in found.pop(MEDIA) if url))
    captured = to_iso(str(it.captured)) if it.captured is not None else None
    return dict.fromkeys(COLUMNS) | found | {"captured_at": captured, MEDIA: json.dumps(media)}


def _tiktok(it: Capture) -> dict[str, Any]:
    author = it("author.uniqueId", "author")
    stills = [_at(image, "imageURL", "urlList", 0) for image in it.items("imagePost.images")]
    return {
        "id": _text(it("id")),
        "text": it("desc"),
        "author": author,
        "author_name": it("author.nickname", "nickname"),
        "date": it("createTime"),
        "region": it("locationCreated"),
        "url": f"https://www.tiktok.com/@{author}/video/{it('id')}",
        "likes": _count(it("stats.diggCount")),
        "comments": _count(it("stats.commentCount")),
        "shares": _count(it("stats.shareCount")),
        "views": _count(it("stats.playCount")),
        "followers": _count(it("authorStats.followerCount")),
        "hashtags": _joined(tag.get("hashtagName") for tag in it.items("textExtra")),
        "music": it("music.title"),
        "is_ad": bool(it("isAd")),
        MEDIA: stills or [it("video.downloadAddr", "video.playAddr")],
    }


def _instagram(it: Capture) -> dict[str, Any]:
    graph = it("__typename") not in {None, "XDTMediaDict"}
    code = it("shortcode" if graph else "code")
    captions = it.items("edge_media_to_caption.edges")
    return {
        "id": _text(code),
        "text": _at(captions, 0, "node", "text") if graph else it("caption.text"),
        "author": it("user.username", "owner.username"),
        "author_name": it("user.full_name", "owner.full_name"),
        "date": it("taken_at_timestamp" if graph else "taken_at"),
        "region": it("location.name"),
        "url": f"https://www.instagram.com/p/{code}",
        "likes": _count(it("edge_media_preview_like.count" if graph else "like_count")),
        "comments": _count(it("edge_media_preview_comment.count" if graph else "comment_count")),
        "views": _count(it("video_view_count", "view_count", "play_count")),
        "is_ad": it("product_type") == "ad",
        MEDIA: _graph_media(it) if graph else _item_media(it),
    }


def _threads(it: Capture) -> dict[str, Any]:
    author, code = it("user.username"), it("code")
    return {
        "id": _text(code),
        "text": it("caption.text"),
        "author": author,
        "author_name": it("user.full_name"),
        "date": it("taken_at"),
        "url": f"https://www.threads.com/@{author}/post/{code}",
        "likes": _count(it("like_count")),
        "comments": _count(it("text_post_app_info.direct_reply_count")),
        "shares": _count(it("text_post_app_info.repost_count")),
        MEDIA: _item_media(it),
    }


def _twitter(it: Capture) -> dict[str, Any]:
    author = _screen_name(it, "")
    repost = "legacy.retweeted_status_result.result."
    repost += "tweet." if it(f"{repost}tweet.rest_id") else ""
    original = it(f"{repost}note_tweet.note_tweet_results.result.text", f"{repost}legacy.full_text")
    text = it("note_tweet.note_tweet_results.result.text", "legacy.full_text")
    of = _screen_name(it, repost) if original else None
    return {
        "id": _text(it("rest_id")),
        "text": f"RT @{of}: {original}" if original else text,
        "author": author,
        "author_name": it("core.user_results.result.legacy.name", "core.user_results.result.core.name"),
        "date": it("legacy.created_at"),
        "language": it("legacy.lang"),
        "url": f"https://x.com/{author}/status/{it('rest_id')}",
        "likes": _count(it("legacy.favorite_count")),
        "comments": _count(it("legacy.reply_count")),
        "shares": _count(it("legacy.retweet_count")),
        "views": _count(it("views.count")),
        "followers": _count(it("core.user_results.result.legacy.followers_count")),
        "hashtags": _joined(tag.get("text") for tag in it.items("legacy.entities.hashtags")),
        "reply_to": it("legacy.in_reply_to_screen_name"),
        "repost_of": of,
        MEDIA: [_tweeted(one) for one in it.items("legacy.extended_entities.media")],
    }


PLATFORMS: Mapping[str, Callable[[Capture], dict[str, Any]]] = {
    "tiktok": _tiktok,
    "instagram": _instagram,
    "twitter": _twitter,
    "threads": _threads,
}
"""What reads the captures of each platform that is known here."""


def _screen_name(it: Capture, before: str) -> Scalar:
    user = f"{before}core.user_results.result."
    return it(f"{user}legacy.screen_name", f"{user}core.screen_name")


def _tweeted(medium: Mapping[str, Any]) -> str | None:
    """A photo, or of a video the MP4 with most bits per second."""
    films = [v for v in _at(medium, "video_info", "variants") or () if v.get("content_type") == "video/mp4"]
    best = max(films, key=lambda film: film.get("bitrate") or 0, default=None)
    return str(best["url"]) if best else medium.get("media_url_https")


def _item_media(it: Capture) -> list[Any]:
    """Media of an "item list" of Instagram or Threads."""
    if several := it.items("carousel_media"):
        return [
            _at(one, "video_versions", 0, "url") or _at(one, "image_versions2", "candidates", 0, "url")
            for one in several
        ]
    film = _at(it.items("video_versions"), 0, "url")
    return [film or _at(it.items("image_versions2.candidates"), 0, "url")]


def _graph_media(it: Capture) -> list[Any]:
    """Media of a "graph" answer of Instagram."""
    several = [_at(edge, "node") for edge in it.items("edge_sidecar_to_children.edges")]
    return [_at(one, "video_url") or _at(one, "display_url") for one in several] or [it("video_url", "display_url")]


def _at(nested: Any, *keys: str | int) -> Any:
    """What lies at the end of these keys; None if the way ends before."""
    for key in keys:
        try:
            nested = nested[key]
        except (KeyError, IndexError, TypeError):
            return None
    return nested


def _count(value: Scalar) -> int | None:
    """A count, also written as text; None for what is none, such as -1 for "not shown"."""
    text = str(value) if value is not None else ""
    return int(text) if text.isdecimal() else None


def _text(value: Scalar) -> str | None:
    return None if value is None else str(value)


def _joined(words: Any) -> str | None:
    return ",".join(word for word in words if word) or None
