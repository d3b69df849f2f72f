"""Fine-tune a classifier as a config says: `python train.py --config configs/full.yaml --seed 13`."""

from datasets import load_dataset
from peft import get_peft_model
from transformers import AutoModelForSequenceClassification, AutoTokenizer, Trainer
from trl import ModelConfig, ScriptArguments, SFTConfig, TrlParser, get_peft_config


def main() -> None:
    parser = TrlParser((ScriptArguments, SFTConfig, ModelConfig))
    script, arguments, chosen = parser.parse_args_and_config()
    tokenizer = AutoTokenizer.from_pretrained(chosen.model_name_or_path)
    model = AutoModelForSequenceClassification.from_pretrained(chosen.model_name_or_path, num_labels=4)
    if (adapter := get_peft_config(chosen)) is not None:
        model = get_peft_model(model, adapter)
    data = load_dataset(script.dataset_name).map(lambda rows: tokenizer(rows["text"], truncation=True), batched=True)
    Trainer(
        model, arguments, train_dataset=data["train"], eval_dataset=data["test"], processing_class=tokenizer
    ).train()


if __name__ == "__main__":
    main()
