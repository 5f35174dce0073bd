"""What do shared gradients reveal? Attacks on messages, and a report that says what came back."""
