-- GET of one path, as it stands in the URL.
require("figures")
