"""Files to volumes: readers, preparing, the store, batches and phantoms."""
