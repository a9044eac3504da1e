"""The organizations of the demo: what they talk about, when, and with which models."""

from collections.abc import Mapping
from dataclasses import dataclass

Weights = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Module:
    """A part of an organization's product: its share, its intents and where it is used."""

    share: float
    intents: Weights
    sources: Weights
    prompt: str


@dataclass(frozen=True, slots=True)
class DemoOrganization:
    """One tenant. `hours` are 24 weights of local time; `daily` is conversations a weekday."""

    id: str
    name: str
    plan: str
    time_zone: str
    daily: float
    weekend_factor: float
    hours: tuple[int, ...]
    users: int
    user_pattern: str
    languages: Weights
    modules: Mapping[str, Module]
    models: Weights
    products: tuple[str, ...]
    cities: tuple[str, ...]
    currency: str
    reference_prefix: str
    embeds_searches: bool = False


_OFFICE = (1, 1, 0, 0, 0, 1, 2, 5, 10, 14, 15, 13, 9, 11, 13, 13, 12, 9, 7, 6, 6, 5, 3, 2)
_EVENING = (3, 1, 1, 0, 0, 1, 2, 4, 6, 6, 7, 8, 12, 9, 6, 6, 7, 9, 11, 14, 17, 18, 14, 8)
_CLINIC = (0, 0, 0, 0, 0, 1, 3, 9, 16, 17, 14, 12, 8, 10, 12, 11, 9, 5, 4, 3, 2, 2, 1, 0)

NORTHWIND = DemoOrganization(
    id="northwind-travel",
    name="Northwind Travel",
    plan="paid",
    time_zone="Europe/Berlin",
    daily=20.5,
    weekend_factor=0.65,
    hours=_OFFICE,
    users=230,
    user_pattern="user_{:04d}",
    languages={"de": 36, "en": 20, "fr": 14, "es": 12, "pt": 8, "ar": 6, "hi": 4},
    modules={
        "booking-assistant": Module(
            share=4,
            intents={"booking": 5, "product_advice": 4, "cancellation": 2, "bug_report": 1},
            sources={"web": 5, "mobile": 4, "api": 1},
            prompt="You are the booking assistant of Northwind Travel. Offer what is free, "
            "name the full price, and reserve only after the traveller agreed.",
        ),
        "support": Module(
            share=4,
            intents={"refund": 5, "invoice_question": 3, "cancellation": 3, "password_reset": 2},
            sources={"web": 6, "mobile": 2, "api": 2},
            prompt="You help travellers of Northwind Travel after the booking. Look the booking up "
            "before you answer. Refunds above 500 euros need a colleague.",
        ),
        "trip-concierge": Module(
            share=2,
            intents={"product_advice": 4, "delivery": 2, "booking": 2},
            sources={"mobile": 8, "api": 2},
            prompt="You accompany travellers of Northwind Travel on their way. Keep it short: "
            "they read on a phone.",
        ),
    },
    models={"gpt-4o": 30, "gpt-4.1": 18, "claude-sonnet-4-5": 26, "gpt-5": 12, "gpt-4o-mini": 14},
    products=("Flex Fare", "City Weekend", "Northwind Pass", "Rail & Fly", "Lounge Plus"),
    cities=("Berlin", "Lisbon", "Paris", "Madrid", "Porto", "Vienna", "Dubai"),
    currency="€{:,.2f}",
    reference_prefix="NW",
)

KUMO = DemoOrganization(
    id="kumo-shop",
    name="Kumo Shop",
    plan="business",
    time_zone="Asia/Tokyo",
    daily=21.5,
    weekend_factor=1.35,
    hours=_EVENING,
    users=290,
    user_pattern="cust-{:05d}",
    languages={"ja": 62, "en": 22, "es": 4, "pt": 4, "hi": 4, "fr": 4},
    modules={
        "shop-advisor": Module(
            share=4,
            intents={"product_advice": 7, "booking": 1, "delivery": 1},
            sources={"web": 5, "mobile": 5},
            prompt="You advise customers of Kumo Shop. Recommend at most two products and say "
            "why. Never invent a product that the catalogue search does not return.",
        ),
        "orders": Module(
            share=5,
            intents={"delivery": 6, "refund": 3, "cancellation": 2},
            sources={"web": 4, "mobile": 5, "api": 1},
            prompt="You answer questions about orders of Kumo Shop. Track the parcel first, then "
            "explain in one sentence where it is.",
        ),
        "account": Module(
            share=2,
            intents={"password_reset": 4, "invoice_question": 3, "bug_report": 3},
            sources={"web": 6, "mobile": 3, "api": 1},
            prompt="You help customers of Kumo Shop with their accounts. Never ask for a password.",
        ),
    },
    models={
        "gpt-4o-mini": 32,
        "gpt-5-mini": 26,
        "claude-haiku-4-5": 20,
        "gpt-4o": 12,
        "claude-opus-4-1": 4,
        "gpt-4": 2,
        "nimbus-13b-instruct": 2,
    },
    products=("Breeze 40", "Hikari Lamp", "Aruku Backpack", "Kumo Kettle", "Yoru Headphones"),
    cities=("東京", "大阪", "札幌", "福岡", "京都", "Singapore"),
    currency="¥{:,.0f}",
    reference_prefix="KS",
    embeds_searches=True,
)

BRIGHTCARE = DemoOrganization(
    id="brightcare",
    name="BrightCare",
    plan="free",
    time_zone="America/New_York",
    daily=8.5,
    weekend_factor=0.25,
    hours=_CLINIC,
    users=85,
    user_pattern="patient-{:03d}",
    languages={"en": 64, "es": 26, "pt": 4, "fr": 3, "ar": 3},
    modules={
        "appointments": Module(
            share=5,
            intents={"booking": 6, "cancellation": 3},
            sources={"web": 5, "mobile": 4, "api": 1},
            prompt="You book appointments for BrightCare. You give no medical advice; in an "
            "emergency you point to the emergency number at once.",
        ),
        "billing": Module(
            share=2,
            intents={"invoice_question": 5, "refund": 2},
            sources={"web": 8, "mobile": 2},
            prompt="You explain bills of BrightCare in plain words.",
        ),
        "portal-help": Module(
            share=2,
            intents={"password_reset": 5, "bug_report": 3},
            sources={"web": 5, "mobile": 5},
            prompt="You help patients of BrightCare to use the portal.",
        ),
    },
    models={"gpt-4o-mini": 50, "claude-haiku-4-5": 30, "gpt-4.1": 12, "claude-sonnet-4-5": 8},
    products=("Care Plus", "Family Plan", "Check-up 50", "Video Visit"),
    cities=("Boston", "Albany", "Hartford", "Newark"),
    currency="${:,.2f}",
    reference_prefix="BC",
)

ORGANIZATIONS = (NORTHWIND, KUMO, BRIGHTCARE)
