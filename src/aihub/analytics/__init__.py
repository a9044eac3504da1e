"""What is going on: rollups of calls and conversations, live numbers, and the answers from them."""
