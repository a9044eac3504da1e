"""Shipped prices of Google's models: bills reckoned by hand from the provider's page."""

import pytest
from tests.pricing.priced import Bill, check

_BILLS = [
    # the tier goes by more than 200,000 tokens of the whole prompt, output and cache included
    ("gemini-2.5-pro", "2026-03-05", "200000 input_text @1.25, 1000 output_text @10"),
    ("gemini-2.5-pro", "2026-03-05", "200001 input_text @2.5, 1000 output_text @15"),
    (
        "gemini-2.5-pro",
        "2026-03-05",
        "150000 input_text @2.5, 100000 cached_text @0.25, 5500 output_text @15",
    ),
    (
        "gemini-3.1-pro-preview",
        "2026-08-01",
        "250000 input_text @4, 10 cached_text @0.4, 8 output_text @18",
    ),
    ("models/gemini-3-pro-preview", "2025-12-01", "1000 input_text @2, 1000 output_text @12"),
    ("gemini-1.5-pro-002", "2025-01-15", "128000 input_text @1.25, 9 output_text @5"),
    ("gemini-1.5-pro", "2025-01-15", "128001 input_text @2.5, 9 output_text @10"),
    ("gemini-1.5-pro", "2024-09-30", "40000 input_text @3.5, 2000 output_text @10.5"),
    ("gemini-1.5-flash", "2024-08-11", "1000 input_text @0.35, 1000 output_text @1.05"),
    ("gemini-1.5-flash-002", "2025-02-01", "200000 input_text @0.15, 10 cached_text @0.0375"),
    ("gemini-1.5-flash-8b", "2025-02-01", "5000 input_text @0.0375, 100 output_text @0.15"),
    ("gemini-pro", "2024-03-01", "5000 input_text @0.5, 100 output_text @1.5"),
    # audio, pictures and films in a prompt
    (
        "gemini-2.0-flash-001",
        "2025-06-01",
        "10 input_text @0.1, 1920 input_audio @0.7, 30 cached_audio @0.175, 5 output_text @0.4",
    ),
    (
        "gemini-2.5-flash",
        "2026-02-01",
        "100 input_text @0.3, 900 input_audio @1, 20 cached_audio @0.1, 258 input_image @0.3",
    ),
    ("gemini-2.5-flash-lite", "2026-02-01", "900 input_audio @0.3, 20 output_text @0.4"),
    ("gemini-3-flash-preview", "2026-02-01", "900 input_audio @1, 20 output_text @3"),
    ("gemini-3.8-flash", "2026-11-10", "900 input_audio @0.75, 9 cached_audio @0.075"),
    (
        "gemini-3.8-live",
        "2026-11-10",
        "50 input_text @0.75, 900 input_audio @3, 400 output_audio @12, 10 input_video @1",
    ),
    (
        "gemini-2.5-flash-native-audio-preview-12-2025",
        "2026-05-10",
        "50 input_text @0.5, 900 input_audio @3, 400 output_audio @12, 10 output_text @2",
    ),
    ("gemini-2.5-flash-preview-tts", "2026-05-10", "50 input_text @0.5, 900 output_audio @10"),
    ("gemini-2.5-pro-preview-tts", "2026-05-10", "50 input_text @1, 900 output_audio @20"),
    # pictures, films and music out
    ("gemini-2.5-flash-image", "2026-03-27", "12 input_text @0.3, 1290 output_image @30"),
    (
        "gemini-3-pro-image-preview",
        "2026-03-27",
        "12 input_text @2, 1120 output_image @120, 40 output_text @12",
    ),
    ("gemini-3.1-flash-image", "2026-07-27", "560 input_image @0.5, 1120 output_image @60"),
    ("imagen-4.0-generate-001", "2026-03-27", "3 image @0.04"),
    ("imagen-4.0-ultra-generate-001", "2026-03-27", "1 image @0.06"),
    ("veo-3.0-generate-001", "2025-09-01", "8 video_second @0.75"),
    ("veo-3.0-generate-001", "2025-10-01", "8 video_second @0.4"),
    ("veo-3.1-generate-preview", "2026-10-01", "8 video_second @0.4"),
    ("lyria-3-pro-preview", "2026-10-01", "1 request @0.08"),
    # half prices that end, prices that changed, aliases that moved
    ("gemini-3.8-flash", "2026-12-31T23:59:59+00:00", "1000 input_text @0.75, 8 output_text @3.75"),
    (
        "gemini-3.8-flash",
        "2027-01-01",
        "1000 input_text @1.5, 9 cached_text @0.15, 8 output_text @7.5",
    ),
    ("gemini-3.7-flash", "2027-02-01", "1000 input_text @1.5, 8 output_text @7.5"),
    ("gemini-3.6-flash", "2026-08-01", "1000 input_text @1.5, 8 output_text @7.5"),
    ("gemini-3.6-flash", "2026-11-01", "1000 input_text @0.75, 8 output_text @3.75"),
    ("gemini-3.6-flash", "2027-03-01", "1000 input_text @1.5, 8 output_text @7.5"),
    ("gemini-4-argon", "2026-11-30", "1000 input_text @2, 9 cached_text @0.1, 8 output_text @10"),
    ("gemini-4-argon", "2026-12-01", "1000 input_text @4, 9 cached_text @0.2, 8 output_text @20"),
    ("gemini-4-hydrogen", "2027-02-01", "1000 input_text @1.5, 8 output_text @7.5"),
    ("gemini-robotics-er-2-preview", "2027-01-02", "1000 input_text @2, 8 output_text @10"),
    ("gemini-flash-latest", "2025-12-01", "1000 input_text @0.3, 8 output_text @2.5"),
    ("gemini-flash-latest", "2026-08-01", "1000 input_text @1.5, 8 output_text @9"),
    ("gemini-flash-latest", "2026-11-01", "1000 input_text @0.75, 8 output_text @3.75"),
    ("gemini-flash-lite-latest", "2026-11-01", "1000 input_text @0.3, 8 output_text @2.5"),
    ("gemini-2.5-flash", "2025-07-01", "10 input_text @0.3, 1000 cached_text @0.075"),
    ("gemini-2.5-flash-preview-05-20", "2025-06-01", "1000 input_text @0.15, 8 output_text @0.6"),
    ("gemini-2.5-flash-preview-09-2025", "2025-11-01", "1000 input_text @0.3, 8 output_text @2.5"),
    # embeddings
    ("gemini-embedding-001", "2026-03-01", "9200 input_text @0.15"),
    ("gemini-embedding-2", "2026-11-01", "100 input_text @0.2, 258 input_image @0.45"),
    # fees: by the prompt up to Gemini 2, by the query since 3
    ("gemini-2.5-flash", "2026-03-01", "1000 input_text @0.3, 1 grounding_prompt @35"),
    ("gemini-3-flash-preview", "2026-03-01", "1000 input_text @0.5, 3 grounding_query @14"),
    ("gemini-2.5-pro", "2026-03-01", "1000 input_text @1.25, 1 maps_prompt @25"),
    ("gemini-3.5-flash", "2026-07-01", "1000 input_text @1.5, 1 maps_prompt @14"),
]
_AT_OTHER_RATES = [
    # a batch: half, but cached tokens of some models keep their price
    (
        "gemini-2.5-flash",
        "2026-03-01",
        "900 input_text @0.15, 100 cached_text @0.03, 8 output_text @1.25, 7 input_audio @0.5",
        "processing=batch",
    ),
    (
        "gemini-2.5-pro",
        "2026-03-01",
        "250000 input_text @1.25, 9 cached_text @0.25, 8 output_text @7.5",
        "processing=batch",
    ),
    (
        "gemini-3.8-flash",
        "2026-11-01",
        "900 input_text @0.375, 100 cached_text @0.0375, 8 output_text @1.875",
        "processing=batch",
    ),
    (
        "gemini-3.8-flash",
        "2027-01-05",
        "900 input_text @0.75, 8 output_text @3.75",
        "processing=batch",
    ),
    (
        "gemini-3.5-flash-lite",
        "2026-11-01",
        "900 input_text @0.15, 100 cached_text @0.02, 8 output_text @1.25",
        "processing=batch",
    ),
    (
        "gemini-2.5-flash-image",
        "2026-03-01",
        "9 input_text @0.15, 1290 output_image @15",
        "processing=batch",
    ),
    ("gemini-embedding-001", "2026-03-01", "9200 input_text @0.075", "processing=batch"),
    (
        "gemini-2.0-flash",
        "2025-09-01",
        "900 input_text @0.05, 8 output_text @0.2",
        "processing=batch",
    ),
    (
        "gemini-3-flash-preview",
        "2026-06-01",
        "900 input_text @0.25, 8 output_text @1.5",
        "service_tier=flex",
    ),
    (
        "gemini-2.5-pro",
        "2026-06-01",
        "250000 input_text @4.5, 9 cached_text @0.45, 8 output_text @27",
        "service_tier=priority",
    ),
    (
        "gemini-3.8-flash",
        "2026-11-01",
        "900 input_text @1.35, 100 cached_text @0.135, 8 output_text @6.75",
        "service_tier=priority",
    ),
    # regional endpoints of Vertex AI
    (
        "gemini-3.8-flash",
        "2026-11-01",
        "900 input_text @0.825, 8 output_text @4.125",
        "",
        "endpoint=regional",
    ),
    (
        "gemini-2.5-flash",
        "2026-11-01",
        "900 input_text @0.3, 8 output_text @2.5",
        "",
        "endpoint=regional",
    ),
    (
        "gemini-4-argon",
        "2026-12-02",
        "900 input_text @2.2, 8 output_text @11",
        "processing=batch",
        "endpoint=regional",
    ),
    (
        "gemini-2.0-flash-001",
        "2025-06-01",
        "900 input_text @0.15, 10 input_audio @1, 8 output_text @0.6",
        "",
        "endpoint=regional",
    ),
    ("veo-3.1-generate-preview", "2026-10-01", "8 video_second @0.6", "", "size=4k"),
]


@pytest.mark.parametrize(
    "bill", [Bill("google", *bill) for bill in (*_BILLS, *_AT_OTHER_RATES)], ids=str
)
def test_a_bill_of_google_is_right(bill):
    check(bill)
