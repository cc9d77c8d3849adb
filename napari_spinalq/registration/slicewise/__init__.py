"""Moving the slices of a stack within their planes until the cord lies still, without any knowledge of contrast."""
