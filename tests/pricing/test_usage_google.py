"""Usage as Gemini sends it: the cache inside, thoughts beside, modalities in lists."""

import pytest
from tests.pricing.measured import codes, measure, measure_answer


def listed(**kinds):
    return [{"modality": kind, "tokenCount": count} for kind, count in kinds.items()]


GEMINI = [
    ("thoughts are beside", {"promptTokenCount": 100, "candidatesTokenCount": 20, "thoughtsTokenCount": 70, "totalTokenCount": 190}, {"input_text": 100, "output_text": 90}, 70),  # noqa: E501
    ("thoughts that the total has inside", {"promptTokenCount": 100, "candidatesTokenCount": 90, "thoughtsTokenCount": 70, "totalTokenCount": 190}, {"input_text": 100, "output_text": 90}, 70),  # noqa: E501
    ("the cache is inside", {"promptTokenCount": 100, "cachedContentTokenCount": 60, "candidatesTokenCount": 20, "totalTokenCount": 120}, {"input_text": 40, "cached_text": 60, "output_text": 20}, 0),  # noqa: E501
    ("tool prompts are more input", {"promptTokenCount": 100, "toolUsePromptTokenCount": 55, "candidatesTokenCount": 20, "totalTokenCount": 175}, {"input_text": 155, "output_text": 20}, 0),  # noqa: E501
    ("no candidates", {"promptTokenCount": 8, "totalTokenCount": 8}, {"input_text": 8}, 0),
    ("candidates are the rest", {"promptTokenCount": 8, "thoughtsTokenCount": 5, "totalTokenCount": 20}, {"input_text": 8, "output_text": 12}, 5),  # noqa: E501
    ("modalities", {"promptTokenCount": 1000, "candidatesTokenCount": 9, "totalTokenCount": 1009, "promptTokensDetails": listed(TEXT=10, IMAGE=258, VIDEO=500, AUDIO=232)}, {"input_text": 10, "input_image": 258, "input_video": 500, "input_audio": 232, "output_text": 9}, 0),  # noqa: E501
    ("modalities that do not sum", {"promptTokenCount": 1000, "candidatesTokenCount": 9, "totalTokenCount": 1009, "promptTokensDetails": listed(TEXT=10, AUDIO=232)}, {"input_text": 768, "input_audio": 232, "output_text": 9}, 0),  # noqa: E501
    ("cached by modality", {"promptTokenCount": 1000, "cachedContentTokenCount": 600, "candidatesTokenCount": 9, "totalTokenCount": 1009, "promptTokensDetails": listed(TEXT=500, AUDIO=500), "cacheTokensDetails": listed(TEXT=200, AUDIO=400)}, {"input_text": 300, "input_audio": 100, "cached_text": 200, "cached_audio": 400, "output_text": 9}, 0),  # noqa: E501
    ("a picture", {"promptTokenCount": 12, "candidatesTokenCount": 1300, "totalTokenCount": 1312, "candidatesTokensDetails": listed(IMAGE=1290)}, {"input_text": 12, "output_text": 10, "output_image": 1290}, 0),  # noqa: E501
    ("details explain a missing whole", {"promptTokenCount": 12, "candidatesTokenCount": 0, "totalTokenCount": 1302, "candidatesTokensDetails": listed(IMAGE=1290)}, {"input_text": 12, "output_image": 1290}, 0),  # noqa: E501
    ("live", {"promptTokenCount": 70, "responseTokenCount": 30, "totalTokenCount": 100, "promptTokensDetails": listed(AUDIO=60, TEXT=10), "responseTokensDetails": listed(AUDIO=30)}, {"input_text": 10, "input_audio": 60, "output_audio": 30}, 0),  # noqa: E501
    ("snake case", {"prompt_token_count": 100, "candidates_token_count": 20, "thoughts_token_count": 70, "total_token_count": 190, "prompt_tokens_details": [{"modality": "text", "token_count": 100}]}, {"input_text": 100, "output_text": 90}, 70),  # noqa: E501
    ("interactions", {"total_input_tokens": 100, "total_cached_tokens": 40, "total_output_tokens": 20, "total_thought_tokens": 5, "total_tool_use_tokens": 7, "total_tokens": 132, "input_tokens_by_modality": [{"modality": "image", "tokens": 10}]}, {"input_text": 57, "input_image": 10, "cached_text": 40, "output_text": 25}, 5),  # noqa: E501
    ("zero total of an unfinished chunk", {"promptTokenCount": 8, "candidatesTokenCount": 3, "totalTokenCount": 0}, {"input_text": 8, "output_text": 3}, 0),  # noqa: E501
]  # fmt: skip


@pytest.mark.parametrize(
    ("usage", "parts", "thought"), [c[1:] for c in GEMINI], ids=[c[0] for c in GEMINI]
)
def test_gemini(usage, parts, thought):
    measured = measure(usage, "google", "gemini-2.5-pro")
    assert (measured.parts, measured.reasoning_tokens) == (parts, thought)
    assert measured.flags == ()


def test_a_total_of_something_else_is_flagged():
    usage = {"promptTokenCount": 100, "candidatesTokenCount": 20, "totalTokenCount": 500}
    assert codes(measure(usage, "google", "gemini-2.5-pro")) == ["total_mismatch"]


@pytest.mark.parametrize(
    ("model", "part"),
    [("gemini-2.5-flash-image", "output_image"), ("gemini-2.5-flash-preview-tts", "output_audio")],
)
def test_without_details_a_model_made_what_it_is_for(model, part):
    usage = {"promptTokenCount": 12, "candidatesTokenCount": 1290, "totalTokenCount": 1302}
    measured = measure(usage, "google", model)
    assert measured.parts == {"input_text": 12, part: 1290}
    assert codes(measured) == ["no_modality"]


def test_the_last_chunk_counts_all_unless_it_leaves_the_prompt_out():
    chunks = [
        {"modelVersion": "g", "usageMetadata": {"promptTokenCount": 4, "candidatesTokenCount": n}}
        for n in (1, 5)
    ]
    assert measure_answer({"stream_events": chunks}).parts == {"input_text": 4, "output_text": 5}
    assert measure_answer(chunks).parts == {"input_text": 4, "output_text": 5}  # a JSON array
    chunks.append({"usageMetadata": {"candidatesTokenCount": 6}})
    assert measure_answer({"stream_events": chunks}).parts == {"input_text": 4, "output_text": 6}


def test_turns_of_a_live_session_add_up():
    turns = []
    for count in (30, 50):
        turns.append({"serverContent": {"modelTurn": {}}})
        turns.append(
            {
                "usageMetadata": {"promptTokenCount": count, "responseTokenCount": 10},
                "serverContent": {"turnComplete": True},
            }
        )
    measured = measure_answer({"stream_events": turns}, "google")
    assert measured.parts == {"input_text": 80, "output_text": 20}


USAGE = {"promptTokenCount": 4, "candidatesTokenCount": 2, "totalTokenCount": 6}
GROUNDED = {
    "usageMetadata": USAGE,
    "candidates": [
        {
            "groundingMetadata": {
                "webSearchQueries": ["a", "", "b", "a"],
                "groundingChunks": [{"web": {"uri": "u"}}],
            }
        }
    ],
}


@pytest.mark.parametrize(
    ("model", "fee"),
    [
        ("gemini-2.5-flash", {"grounding_prompt": 1}),
        ("gemini-3.1-pro-preview", {"grounding_query": 2}),
        ("gemini-flash-latest", {"grounding_query": 2}),
    ],
)
def test_grounding_is_billed_by_prompt_before_gemini_3_and_by_query_since(model, fee):
    measured = measure_answer(GROUNDED, "google", model, free_grounding_allowance_used_up=True)
    assert (measured.parts, measured.flags) == ({"input_text": 4, "output_text": 2, **fee}, ())


def test_a_free_allowance_is_asked_of_the_context():
    free = measure_answer(
        GROUNDED, "google", "gemini-3-pro", free_grounding_allowance_used_up=False
    )
    assert free.parts == {"input_text": 4, "output_text": 2}
    unknown = measure_answer(GROUNDED, "google", "gemini-3-pro")
    assert unknown.parts["grounding_query"] == 2
    assert codes(unknown) == ["free_allowance"]


def test_maps_are_billed_by_prompt():
    body = {
        "usageMetadata": USAGE,
        "candidates": [{"groundingMetadata": {"groundingChunks": [{"maps": {"uri": "u"}}]}}],
    }
    measured = measure_answer(body, "google", "gemini-2.5-pro")
    assert measured.parts == {"input_text": 4, "output_text": 2, "maps_prompt": 1}


def test_pictures_without_tokens_are_counted():
    body = {"predictions": [{"mimeType": "image/png", "bytesBase64Encoded": "…"}] * 3}
    assert measure_answer(body, "google", "imagen-4").parts == {"image": 3}
