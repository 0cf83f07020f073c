"""What the shop sells: ten categories, forty shelves, five hundred products, and words about them.

All of it is made from the tables beside this module and from the numbers 1 to 500, so every process
on every machine sells the same. Nothing here knows HTTP, HTML or today's price.
"""

from origin.aio.site.catalogue.finding import related as related
from origin.aio.site.catalogue.finding import search as search
from origin.aio.site.catalogue.products import CATEGORIES as CATEGORIES
from origin.aio.site.catalogue.products import PER_PAGE as PER_PAGE
from origin.aio.site.catalogue.products import PRODUCTS as PRODUCTS
from origin.aio.site.catalogue.products import best_first as best_first
from origin.aio.site.catalogue.products import category_named as category_named
from origin.aio.site.catalogue.products import product_named as product_named
from origin.aio.site.catalogue.products import product_numbered as product_numbered
from origin.aio.site.catalogue.products import products_of as products_of
from origin.aio.site.catalogue.products import shelf_named as shelf_named
from origin.aio.site.catalogue.things import Category as Category
from origin.aio.site.catalogue.things import Product as Product
from origin.aio.site.catalogue.things import Question as Question
from origin.aio.site.catalogue.things import Review as Review
from origin.aio.site.catalogue.things import Shelf as Shelf
