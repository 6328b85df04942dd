namespace metalaudio {}
