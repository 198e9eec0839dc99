"""How the bytes of an image come here: over HTTP or from this disk, resumed, within one deadline.

`web` and `web_errors` import requests, so `remote` is imported when a network is first spoken to.
Read in this order: `remote`, `download`, `web`.
"""
