"""The shop's pictures: which ones each page has, and how they come to be.

There are over ten thousand, 150 MB of them, so none is shipped: each is painted when somebody
first asks for it, and kept as a file. The same path is the same picture everywhere.
"""

from origin.aio.site.pictures.plan import PAGE_BYTES as PAGE_BYTES
from origin.aio.site.pictures.plan import Kind as Kind
from origin.aio.site.pictures.plan import Picture as Picture
from origin.aio.site.pictures.plan import all_keys as all_keys
from origin.aio.site.pictures.plan import page_pictures as page_pictures
from origin.aio.site.pictures.plan import picture_at as picture_at
from origin.aio.site.pictures.queue import BusyError as BusyError
from origin.aio.site.pictures.store import PictureStore as PictureStore
