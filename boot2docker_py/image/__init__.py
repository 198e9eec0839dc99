"""Where the image that a VM boots comes from: fetched, verified, put in place whole or not at all.

Reading what is in place is quick and imports nothing heavy; requests is imported when a network
is first spoken to, in `fetching/`. `docs/images.md` is the user's page. Read in this order:
`model`, `images`, `store`, `sources`; the other files have one small subject each.
"""

from boot2docker_py.image.images import Images, Offer
from boot2docker_py.image.model import DownloadProgress, Image, ImageRequest, OnProgress, Release
from boot2docker_py.image.staged import StagedImage
from boot2docker_py.image.store import read_image

__all__ = [
    "DownloadProgress",
    "Image",
    "ImageRequest",
    "Images",
    "Offer",
    "OnProgress",
    "Release",
    "StagedImage",
    "read_image",
]
