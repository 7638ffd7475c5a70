"""Exports of 4CAT, Zeeschuimer and YouTube Data Tools, with the headers and fields that these tools write.

The structures are those of their sources: digitalmethodsinitiative/4cat (datasources/tiktok/search_tiktok.py,
datasources/instagram/search_instagram.py, datasources/twitter-import/search_twitter.py, datasources/threads/
search_threads.py: ``map_item`` reads Zeeschuimer's items and names the columns of 4CAT's CSV; 4CAT's NDJSON puts what
Zeeschuimer says of a capture into ``__import_meta``), digitalmethodsinitiative/zeeschuimer (js/zs-background.js: the
fields around ``data``), bernorieder/YouTube-Data-Tools (mod_videos_list.php, mod_channels_list.php,
mod_video_info.php) and its successor bernorieder/youtube-data-tools-v2 (src/ytdt/models.py).
"""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from studium import Corpus, sources
from studium.core.protocols import Found, Link, Loss, Note, Source
from studium.core.unit import Unit, post_id
from studium.errors import SourceError

V = "https://v16.tiktokcdn.com/video/tos/1?a=1,2&b=3"
TIKTOK_CSV = (
    "collected_from_url,id,thread_id,author,author_full,author_followers,author_likes,author_videos,author_avatar,body,"
    "stickers,timestamp,unix_timestamp,is_duet,is_ad,is_paid_partnership,is_sensitive,is_photosensitive,music_name,"
    "music_id,music_url,music_thumbnail,music_author,video_url,tiktok_url,thumbnail_url,likes,comments,shares,plays,"
    "hashtags,challenges,diversification_labels,location_created,effects,warning"
).split(",")
INSTAGRAM_CSV = (
    "id,post_source_domain,thread_id,parent_id,body,author,author_fullname,author_avatar_url,timestamp,type,url,"
    "image_url,media_url,hashtags,num_likes,num_comments,num_media,location_name,location_latlong,location_city,"
    "unix_timestamp"
).split(",")
X_CSV = (
    "id,thread_id,timestamp,unix_timestamp,link,body,author,author_fullname,author_id,author_avatar_url,source,"
    "language_guess,possibly_sensitive,retweet_count,reply_count,like_count,quote_count,impression_count,is_retweet,"
    "retweeted_user,is_quote_tweet,quoted_user,is_reply,replied_user,hashtags,urls,images,videos,mentions,long_lat,"
    "place_name"
).split(",")
TIKTOK = {
    "id": "7006694664724122881",
    "desc": "dancing #fyp",
    "createTime": 1714557600,
    "isAd": False,
    "author": {"uniqueId": "ada", "nickname": "Ada L."},
    "authorStats": {"followerCount": 10},
    "stats": {"diggCount": 5, "commentCount": 1, "shareCount": 2, "playCount": 100},
    "textExtra": [{"hashtagName": "fyp"}, {"awemeId": ""}],
    "music": {"id": "1", "title": "River"},
    "video": {"downloadAddr": V, "playAddr": "https://x.org/play", "cover": "https://x.org/cover"},
}
CANDIDATES = {"candidates": [{"url": "https://x.org/big.jpg"}, {"url": "https://x.org/small.jpg"}]}
INSTAGRAM = {
    "id": "3_4",
    "code": "C6abc",
    "media_type": 8,
    "taken_at": 1714557600,
    "caption": {"text": "a day"},
    "user": {"username": "ben", "full_name": "Ben"},
    "like_count": 7,
    "comment_count": -1,
    "product_type": "carousel_container",
    "carousel_media": [
        {"media_type": 1, "image_versions2": CANDIDATES},
        {"media_type": 2, "image_versions2": CANDIDATES, "video_versions": [{"url": "https://x.org/film.mp4"}]},
    ],
}
GRAPH = {
    "__typename": "GraphSidecar",
    "shortcode": "Bxyz",
    "taken_at_timestamp": 1600000000,
    "owner": {"username": "cy"},
    "edge_media_to_caption": {"edges": [{"node": {"text": "old form"}}]},
    "edge_media_preview_like": {"count": 3},
    "edge_media_preview_comment": {"count": 2},
    "display_url": "https://x.org/1.jpg",
    "edge_sidecar_to_children": {
        "edges": [
            {"node": {"__typename": "GraphImage", "display_url": "https://x.org/1.jpg"}},
            {
                "node": {
                    "__typename": "GraphVideo",
                    "display_url": "https://x.org/2.jpg",
                    "video_url": "https://x.org/2.mp4",
                }
            },
        ]
    },
}
TWEET = {
    "id": "1790000000000000001",
    "rest_id": "1790000000000000001",
    "views": {"count": "1234"},
    "core": {"user_results": {"result": {"legacy": {"screen_name": "dee", "name": "Dee", "followers_count": 9}}}},
    "legacy": {
        "full_text": "hello",
        "created_at": "Wed May 01 10:00:00 +0000 2024",
        "lang": "en",
        "favorite_count": 4,
        "reply_count": 1,
        "retweet_count": 2,
        "entities": {"hashtags": [{"text": "one"}, {"text": "two"}]},
        "extended_entities": {
            "media": [
                {"type": "photo", "media_url_https": "https://pbs.twimg.com/media/a.jpg"},
                {
                    "type": "video",
                    "media_url_https": "https://pbs.twimg.com/b.jpg",
                    "video_info": {
                        "variants": [
                            {"content_type": "application/x-mpegURL", "url": "https://video.twimg.com/b.m3u8"},
                            {"content_type": "video/mp4", "bitrate": 632000, "url": "https://video.twimg.com/s.mp4"},
                            {
                                "content_type": "video/mp4",
                                "bitrate": 2176000,
                                "url": "https://video.twimg.com/b.mp4?tag=12",
                            },
                        ]
                    },
                },
            ]
        },
    },
}
THREAD = {
    "code": "T1",
    "taken_at": 1714557600,
    "caption": {"text": "thread"},
    "user": {"username": "eve", "full_name": "Eve"},
    "like_count": 1,
    "carousel_media": None,
    "image_versions2": CANDIDATES,
    "video_versions": None,
    "text_post_app_info": {"direct_reply_count": 2, "repost_count": 3, "quote_count": 4},
}


def posts(items: Sequence[Found]) -> list[dict[str, Any]]:
    return [dict(item.meta) for item in items if isinstance(item, Unit)]


def urls(items: Sequence[Found]) -> list[tuple[str, str | None]]:
    return [(item.url, item.kind) for item in items if isinstance(item, Link)]


def losses(items: Sequence[Found]) -> list[Loss]:
    return [item for item in items if isinstance(item, Loss)]


def table(path: Path, header: list[str], *rows: dict[str, object], **style: Any) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, header, **style)
        writer.writeheader()
        writer.writerows(rows)
    return path


def captures(path: Path, platform: str, *posts: dict[str, Any], by_4cat: bool = False) -> Path:
    around = {
        "nav_index": "1:2:0",
        "timestamp_collected": 1714600000123,
        "source_platform": platform,
        "source_platform_url": f"https://www.{platform}/",
        "source_url": "https://a.org",
        "user_agent": "Firefox",
    }
    lines = []
    for number, post in enumerate(posts):
        own = {"id": number, "item_id": post.get("id"), **around, "data": post}
        lines.append({**post, "__import_meta": {**around, "id": number}} if by_4cat else own)
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    return path


# --- 4CAT


def test_an_empty_4cat_table(tmp_path: Path) -> None:
    assert list(sources.fourcat(table(tmp_path / "a.csv", TIKTOK_CSV))) == [Note("posts", "0")]


def test_tiktok_from_4cat(tmp_path: Path) -> None:
    row = {
        "id": "7006694664724122881",
        "thread_id": "7006694664724122881",
        "author": "ada",
        "body": "dancing, #fyp",
        "timestamp": "2024-05-01 10:00:00",
        "unix_timestamp": 1714557600,
        "author_followers": 10,
        "likes": 5,
        "comments": 1,
        "shares": 2,
        "plays": 100,
        "video_url": V,
        "thumbnail_url": "https://x.org/t.jpg",
        "is_ad": "no",
        "music_id": "01",
    }
    items = list(sources.fourcat(table(tmp_path / "a.csv", TIKTOK_CSV, row), namespace="tiktok"))
    (post,) = posts(items)
    assert {
        k: post[k] for k in ("id", "text", "author", "date", "likes", "comments", "shares", "views", "followers")
    } == {
        "id": "7006694664724122881",
        "text": "dancing, #fyp",
        "author": "ada",
        "date": "2024-05-01T10:00:00+00:00",
        "likes": 5,
        "comments": 1,
        "shares": 2,
        "views": 100,
        "followers": 10,
    }
    assert post["music_id"] == "01"
    assert post["timestamp"] == "2024-05-01 10:00:00"
    assert not {name for name in post if name.startswith("_")}
    assert urls(items) == [(V, None)]
    assert not losses(items)
    chosen = sources.fourcat(tmp_path / "a.csv", media=("video_url", "thumbnail_url"))
    assert urls(list(chosen)) == [(V, None), ("https://x.org/t.jpg", "image")]
    with pytest.raises(SourceError, match="no column 'film' for media"):
        list(sources.fourcat(tmp_path / "a.csv", media=("film",)))
    with pytest.raises(SourceError, match=r"no column 'id' for id; it has body$"):
        list(sources.fourcat(table(tmp_path / "b.csv", ["body"], {"body": "no id"})))
    one = sources.fourcat(tmp_path / "a.csv", media="thumbnail_url")  # as --set media=thumbnail_url says it
    assert urls(list(one)) == [("https://x.org/t.jpg", "image")]
    assert one == sources.fourcat(tmp_path / "a.csv", media=["thumbnail_url"])  # as studium.toml does


def test_instagram_from_4cat(tmp_path: Path) -> None:
    row = {
        "id": "C6abc",
        "body": "a day",
        "author": "ben",
        "unix_timestamp": 1714557600,
        "timestamp": "2024-05-01 12:00:00",
        "image_url": "https://x.org/still.jpg",
        "media_url": "https://x.org/film.mp4",
        "num_likes": 7,
        "num_comments": 2,
    }
    items = list(sources.fourcat(table(tmp_path / "a.csv", INSTAGRAM_CSV, row)))
    (post,) = posts(items)
    assert (post["likes"], post["comments"], post["date"]) == (7, 2, "2024-05-01T10:00:00+00:00")
    assert urls(items) == [("https://x.org/film.mp4", "video")]


def test_x_from_4cat(tmp_path: Path) -> None:
    row = {
        "id": "1790000000000000001",
        "body": "hello",
        "author": "dee",
        "author_id": "99",
        "language_guess": "EN",
        "timestamp": "2024-05-01 10:00:00",
        "retweet_count": 2,
        "reply_count": 1,
        "like_count": 4,
        "impression_count": 1234,
        "images": "https://x.org/a.jpg,https://x.org/b.jpg?x=1,2",
        "videos": "",
    }
    items = list(sources.fourcat(table(tmp_path / "a.csv", X_CSV, row)))
    (post,) = posts(items)
    assert (post["shares"], post["comments"], post["likes"], post["views"]) == (2, 1, 4, 1234)
    assert (post["language"], post["date"]) == ("en", "2024-05-01T10:00:00")
    assert urls(items) == [("https://x.org/a.jpg", "image"), ("https://x.org/b.jpg?x=1,2", "image")]


def test_4cat_gives_back_what_zeeschuimer_captured(tmp_path: Path) -> None:
    mine = captures(tmp_path / "a.ndjson", "tiktok.com", TIKTOK)
    theirs = captures(tmp_path / "b.ndjson", "tiktok.com", TIKTOK, by_4cat=True)
    assert list(sources.fourcat(theirs)) == list(sources.zeeschuimer(mine))


# --- Zeeschuimer


def test_no_captures(tmp_path: Path) -> None:
    assert list(sources.zeeschuimer(captures(tmp_path / "a.ndjson", "tiktok.com"))) == [Note("posts", "0")]


def test_tiktok(tmp_path: Path) -> None:
    items = list(sources.zeeschuimer(captures(tmp_path / "a.ndjson", "tiktok.com", TIKTOK)))
    (unit,) = (item for item in items if isinstance(item, Unit))
    assert unit.id == post_id("7006694664724122881", "tiktok")
    assert unit.meta == {
        "id": "7006694664724122881",
        "text": "dancing #fyp",
        "author": "ada",
        "language": None,
        "region": None,
        "date": "2024-05-01T10:00:00+00:00",
        "author_name": "Ada L.",
        "likes": 5,
        "comments": 1,
        "shares": 2,
        "views": 100,
        "followers": 10,
        "hashtags": "fyp",
        "music": "River",
        "is_ad": False,
        "reply_to": None,
        "repost_of": None,
        "url": "https://www.tiktok.com/@ada/video/7006694664724122881",
        "captured_at": "2024-05-01T21:46:40.123000+00:00",
    }
    assert urls(items) == [(V, None)]
    assert items[-1] == Note("platform", "tiktok")


def test_tiktok_photos_and_embedded_authors(tmp_path: Path) -> None:
    images = [{"imageURL": {"urlList": [f"https://x.org/{n}.jpeg", "https://y.org/copy"]}} for n in (1, 2)]
    post = {**TIKTOK, "author": "ada", "nickname": "Ada L.", "imagePost": {"images": images}}
    items = list(sources.zeeschuimer(captures(tmp_path / "a.ndjson", "tiktok.com", post)))
    assert posts(items)[0]["author"] == "ada"
    assert urls(items) == [("https://x.org/1.jpeg", "image"), ("https://x.org/2.jpeg", "image")]


def test_instagram(tmp_path: Path) -> None:
    items = list(sources.zeeschuimer(captures(tmp_path / "a.ndjson", "instagram.com", INSTAGRAM, GRAPH)))
    new, old = posts(items)
    assert (new["id"], new["text"], new["author"], new["likes"], new["comments"]) == ("C6abc", "a day", "ben", 7, None)
    assert (old["id"], old["text"], old["author"], old["likes"], old["comments"]) == ("Bxyz", "old form", "cy", 3, 2)
    assert old["date"] == "2020-09-13T12:26:40+00:00"
    assert urls(items) == [
        ("https://x.org/big.jpg", "image"),
        ("https://x.org/film.mp4", "video"),
        ("https://x.org/1.jpg", "image"),
        ("https://x.org/2.mp4", "video"),
    ]


@pytest.mark.parametrize("domain", ["twitter.com", "x.com"])
def test_x(tmp_path: Path, domain: str) -> None:
    items = list(sources.zeeschuimer(captures(tmp_path / "a.ndjson", domain, TWEET)))
    (unit,) = (item for item in items if isinstance(item, Unit))
    assert unit.id == post_id("1790000000000000001", "twitter")
    wanted = {
        "text": "hello",
        "author": "dee",
        "date": "2024-05-01T10:00:00+00:00",
        "language": "en",
        "likes": 4,
        "comments": 1,
        "shares": 2,
        "views": 1234,
        "followers": 9,
        "hashtags": "one,two",
        "url": "https://x.com/dee/status/1790000000000000001",
    }
    assert {key: unit.meta[key] for key in wanted} == wanted
    assert urls(items) == [
        ("https://pbs.twimg.com/media/a.jpg", "image"),
        ("https://video.twimg.com/b.mp4?tag=12", "video"),
    ]


def test_reposts_on_x_are_whole(tmp_path: Path) -> None:
    again = {"result": {"tweet": {**TWEET, "legacy": {**TWEET["legacy"], "full_text": "the whole text"}}}}  # type: ignore[dict-item]
    post = {
        **TWEET,
        "rest_id": "2",
        "legacy": {**TWEET["legacy"], "full_text": "RT @dee: the wh…", "retweeted_status_result": again},
    }  # type: ignore[dict-item]
    (repost,) = posts(list(sources.zeeschuimer(captures(tmp_path / "a.ndjson", "x.com", post))))
    assert (repost["text"], repost["repost_of"]) == ("RT @dee: the whole text", "dee")


def test_threads(tmp_path: Path) -> None:
    items = list(sources.zeeschuimer(captures(tmp_path / "a.ndjson", "threads.net", THREAD)))
    (post,) = posts(items)
    assert (post["text"], post["author"], post["likes"], post["comments"], post["shares"]) == ("thread", "eve", 1, 2, 3)
    assert urls(items) == [("https://x.org/big.jpg", "image")]


def test_a_post_that_was_captured_again_is_taken_once(tmp_path: Path) -> None:
    later = {**TIKTOK, "stats": {**TIKTOK["stats"], "diggCount": 50}}  # type: ignore[dict-item]
    items = list(sources.zeeschuimer(captures(tmp_path / "a.ndjson", "tiktok.com", TIKTOK, later)))
    assert [post["likes"] for post in posts(items)] == [5]
    assert len(urls(items)) == 1
    assert items[-1] == Note("captures of a post that was captured before", "1")
    assert not losses(items)


def test_captures_that_cannot_be_used(tmp_path: Path) -> None:
    path = captures(tmp_path / "a.ndjson", "tiktok.com", TIKTOK, {"desc": "no id"})
    other = captures(tmp_path / "b.ndjson", "x.com", TWEET).read_text()
    path.write_text(path.read_text() + "\n" + other + "\nnot json\n")
    found = losses(list(sources.zeeschuimer(path)))
    assert [loss.message.split(";")[0].split(":")[0] for loss in found] == [
        "the post has no id",
        "of twitter, not tiktok",
        "not JSON",
    ]


@pytest.mark.parametrize("platform", ["imgur.com", ""])
def test_platforms_that_are_not_known(tmp_path: Path, platform: str) -> None:
    with pytest.raises(SourceError, match="download its CSV there"):
        list(sources.zeeschuimer(captures(tmp_path / "a.ndjson", platform, {"id": "1"})))


# --- YouTube Data Tools

VIDEOS = (
    "position,channelId,channelTitle,videoId,publishedAt,publishedAtSQL,videoTitle,videoDescription,tags,videoCategoryId,"
    "videoCategoryLabel,topicCategories,duration,durationSec,dimension,definition,caption,defaultLanguage,"
    "defaultLAudioLanguage,thumbnail_maxres,licensedContent,locationDescription,latitude,longitude,viewCount,likeCount,"
    "dislikeCount,favoriteCount,commentCount"
).split(",")
CHANNELS = (
    "position,id,title,description,publishedAt,defaultLanguage,country,viewCount,subscriberCount,videoCount,thumbnail,"
    "keywords,topicDetails"
).split(",")
COMMENTS = (
    "id,replyCount,likeCount,publishedAt,authorName,text,authorChannelId,authorChannelUrl,isReply,isReplyTo,isReplyToName"
).split(",")


def test_empty_lists_of_youtube(tmp_path: Path) -> None:
    for header in (VIDEOS, CHANNELS, COMMENTS):
        assert list(sources.youtube(table(tmp_path / "a.csv", header))) == [Note("posts", "0")]


def test_videos(tmp_path: Path) -> None:
    row = {
        "position": 1,
        "channelId": "UC1",
        "channelTitle": "News",
        "videoId": "aXnaHh40xnM",
        "viewCount": 9,
        "likeCount": 3,
        "publishedAt": "2024-05-01T10:00:00Z",
        "videoTitle": "A title",
        "videoDescription": "and more",
        "commentCount": 2,
        "defaultLanguage": "",
        "defaultLAudioLanguage": "en-US",
        "duration": "PT1M2S",
    }
    missing = {"position": 2, "videoId": "00000000000", "videoTitle": "[not found: 00000000000]"}
    items = list(sources.youtube(table(tmp_path / "a.csv", VIDEOS, row, missing)))
    (unit,) = (item for item in items if isinstance(item, Unit))
    assert unit.id == post_id("aXnaHh40xnM", "youtube")
    wanted = {
        "text": "A title\nand more",
        "author": "News",
        "date": "2024-05-01T10:00:00+00:00",
        "language": "en-us",
        "views": 9,
        "likes": 3,
        "comments": 2,
        "channelId": "UC1",
        "videoTitle": "A title",
        "duration": "PT1M2S",
    }
    assert {key: unit.meta[key] for key in wanted} == wanted
    assert urls(items) == [("https://www.youtube.com/watch?v=aXnaHh40xnM", None)]
    assert [loss.message.partition(":")[0] for loss in losses(items)] == ["YouTube Data Tools did not find it"]


def test_channels_and_tabs(tmp_path: Path) -> None:
    row = {
        "id": "UC1",
        "title": "News",
        "description": "what is new",
        "publishedAt": "2010-01-01T00:00:00Z",
        "country": "DE",
        "subscriberCount": 100,
        "viewCount": 5,
    }
    items = list(sources.youtube(table(tmp_path / "a.tab", CHANNELS, row, delimiter="\t")))
    (post,) = posts(items)
    assert (post["id"], post["text"], post["author"], post["region"], post["followers"]) == (
        "UC1",
        "what is new",
        "News",
        "DE",
        100,
    )
    assert urls(items) == []


def test_comments(tmp_path: Path) -> None:
    row = {
        "id": "Ugx.1",
        "replyCount": 1,
        "likeCount": 2,
        "publishedAt": "2024-05-01 10:00:00",
        "authorName": "@ada",
        "text": "first!",
        "isReply": 0,
    }
    (post,) = posts(list(sources.youtube(table(tmp_path / "a.csv", COMMENTS, row))))
    assert (post["text"], post["author"], post["likes"], post["replies"]) == ("first!", "@ada", 2, 1)


def test_tables_that_youtube_data_tools_does_not_write(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="expected a list of videos"):
        list(sources.youtube(table(tmp_path / "a.csv", ["a", "b"])))


# --- into a study


@pytest.mark.parametrize("name", ["fourcat", "zeeschuimer", "youtube"])
def test_exports_are_sources_of_a_study(tmp_path: Path, name: str) -> None:
    made: dict[str, Source] = {
        "fourcat": sources.fourcat(
            table(tmp_path / "a.csv", X_CSV, {"id": "1", "body": "b", "images": "https://x.org/a.jpg"})
        ),
        "zeeschuimer": sources.zeeschuimer(captures(tmp_path / "a.ndjson", "x.com", TWEET)),
        "youtube": sources.youtube(table(tmp_path / "b.csv", VIDEOS, {"videoId": "aXnaHh40xnM", "videoTitle": "t"})),
    }
    corpus = Corpus(tmp_path / "study")
    added = corpus.add(made[name])
    assert added.units["post"] == 1
    assert added.links >= 1
    assert corpus.add(made[name]).links == 0
    assert corpus.posts().num_rows == 1
