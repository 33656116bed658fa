"""How earlier stores of catalogue become those of today: a module a step, along their numbers (`services.runtime.stores`)."""
