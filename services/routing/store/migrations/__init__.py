"""How earlier stores of routing become those of today: a module a step, along their numbers (`services.runtime.stores`)."""
