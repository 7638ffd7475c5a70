"""What language models and vision-language models share: prompts, adapters, and answers as scores."""
