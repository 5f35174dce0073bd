"""What was asked and answered, remembered: a journal, the state it adds up to, and the next question."""
