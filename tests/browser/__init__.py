"""The pages in a browser: Chromium without a window, driven by its own protocol, on a clinic of synthetic patients.

`clinic` is what is stored for it to show, `chromium` the browser, `serving` the service that it visits, ``axe/`` the
rules of accessibility that the pages are held to; `pictures` (``make pictures``) makes the pictures of the README,
which are kept beside.
"""
