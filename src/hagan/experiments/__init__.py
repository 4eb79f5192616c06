"""The paper's tables and figures, measured here: they combine training, inference, evaluation."""
