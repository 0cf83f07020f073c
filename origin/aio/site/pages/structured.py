"""What pages say to machines: JSON-LD in the words of schema.org."""

from collections.abc import Mapping, Sequence

from origin.aio.site.catalogue import CATEGORIES, Category, Product, Question, Review
from origin.aio.site.catalogue.market import Offer
from origin.aio.site.pictures import Picture

_CONTEXT = "https://schema.org"
Data = Mapping[str, object]


def product_data(
    product: Product, category: Category, pictures: Sequence[Picture], reviews: Sequence[Review]
) -> Data:
    """A product, without its price of the minute."""
    return {
        "@context": _CONTEXT,
        "@type": "Product",
        "@id": f"/product/{product.slug}#product",
        "name": product.name,
        "sku": product.code,
        "description": product.line,
        "category": category.name,
        "material": product.material,
        "image": [picture.path for picture in pictures[:10]],
        "brand": {"@type": "Brand", "name": "Midmile Outfitters"},
        "additionalProperty": [
            {"@type": "PropertyValue", "name": name, "value": value}
            for name, value in product.details
        ],
        "aggregateRating": {
            "@type": "AggregateRating",
            "ratingValue": round(product.rating, 1),
            "reviewCount": len(reviews),
        },
        "review": [_review(each) for each in reviews[:5]],
    }


def offer_data(product: Product, offer: Offer) -> Data:
    """The offer of a minute, which names its product."""
    in_stock = "InStock" if offer.stock else "OutOfStock"
    return {
        "@context": _CONTEXT,
        "@type": "Offer",
        "itemOffered": {"@id": f"/product/{product.slug}#product"},
        "price": f"{offer.price_cents / 100:.2f}",
        "priceCurrency": "EUR",
        "availability": f"{_CONTEXT}/{in_stock}",
    }


def category_data(category: Category, products: Sequence[Product]) -> list[Data]:
    """A list of products, and what people ask."""
    listed: Data = {
        "@context": _CONTEXT,
        "@type": "ItemList",
        "name": category.name,
        "itemListElement": [
            {"@type": "ListItem", "position": at, "url": f"/product/{each.slug}", "name": each.name}
            for at, each in enumerate(products, start=1)
        ],
    }
    return [listed, _questions(category.faq)]


def home_data() -> Data:
    """The shop."""
    return {
        "@context": _CONTEXT,
        "@type": "Store",
        "name": "Midmile Outfitters",
        "description": "Maps, compasses and travel goods for the long way round.",
        "address": {"@type": "PostalAddress", "streetAddress": "14 Packhorse Lane"},
        "openingHours": "Mo-Sa 09:00-18:00",
        "department": [
            {"@type": "Store", "name": each.name, "url": f"/shop/{each.slug}"}
            for each in CATEGORIES
        ],
    }


def _review(review: Review) -> Data:
    return {
        "@type": "Review",
        "name": review.title,
        "author": {"@type": "Person", "name": review.author},
        "datePublished": review.on.isoformat(),
        "reviewRating": {"@type": "Rating", "ratingValue": review.stars, "bestRating": 5},
    }


def _questions(entries: Sequence[Question]) -> Data:
    return {
        "@context": _CONTEXT,
        "@type": "FAQPage",
        "mainEntity": [
            {
                "@type": "Question",
                "name": each.asked,
                "acceptedAnswer": {"@type": "Answer", "text": each.answer},
            }
            for each in entries
        ],
    }
