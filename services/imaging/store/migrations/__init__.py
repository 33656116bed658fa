"""How earlier stores of imaging become those of today: a module a step, along their numbers (`services.runtime.stores`)."""
