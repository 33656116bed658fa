"""How earlier stores of identity become those of today: a module a step, along their numbers (`services.runtime.stores`)."""
