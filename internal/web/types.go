package web

import "strings"

// types are the media types of files by their endings, for whoever has no answer to look at.
// Package mime reads the tables of the machine, which differ from one to another and say
// nothing in a container without any. The names are those of IANA
// (https://www.iana.org/assignments/media-types/), where there are some. Files of Sitecore's
// media library end in .ashx.
var types = func() map[string]string {
	byEnding := map[string]string{}
	for kind, endings := range map[string]string{
		"text/html": "html htm xhtml shtml", "text/css": "css", "text/javascript": "js mjs cjs", "text/plain": "txt log conf ini cfg env bak sql sh md text map",
		"text/csv": "csv tsv", "text/calendar": "ics", "text/vcard": "vcf", "text/vtt": "vtt srt", "application/json": "json jsonld geojson ndjson",
		"application/manifest+json": "webmanifest", "application/xml": "xml xsl xsd xslt", "application/rss+xml": "rss", "application/atom+xml": "atom",
		"application/yaml": "yaml yml", "application/wasm": "wasm", "application/pdf": "pdf", "application/rtf": "rtf", "application/epub+zip": "epub",
		"image/png": "png apng", "image/jpeg": "jpg jpeg jpe", "image/gif": "gif", "image/webp": "webp", "image/avif": "avif", "image/svg+xml": "svg svgz",
		"image/x-icon": "ico cur", "image/bmp": "bmp", "image/tiff": "tif tiff", "image/heic": "heic heif",
		"font/woff": "woff", "font/woff2": "woff2", "font/ttf": "ttf", "font/otf": "otf", "application/vnd.ms-fontobject": "eot",
		"audio/mpeg": "mp3", "audio/mp4": "m4a", "audio/ogg": "ogg oga opus", "audio/wav": "wav", "audio/flac": "flac",
		"video/mp4": "mp4 m4v", "video/webm": "webm", "video/ogg": "ogv", "video/quicktime": "mov", "video/x-msvideo": "avi", "video/x-matroska": "mkv", "video/mp2t": "ts",
		"application/vnd.apple.mpegurl": "m3u8", "application/dash+xml": "mpd",
		"application/msword": "doc dot", "application/vnd.ms-excel": "xls", "application/vnd.ms-powerpoint": "ppt pps",
		"application/vnd.openxmlformats-officedocument.wordprocessingml.document":   "docx",
		"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet":         "xlsx",
		"application/vnd.openxmlformats-officedocument.presentationml.presentation": "pptx",
		"application/vnd.oasis.opendocument.text":                                   "odt", "application/vnd.oasis.opendocument.spreadsheet": "ods", "application/vnd.oasis.opendocument.presentation": "odp",
		"application/zip": "zip", "application/gzip": "gz tgz", "application/x-tar": "tar", "application/x-7z-compressed": "7z", "application/vnd.rar": "rar",
		"application/x-bzip2": "bz2", "application/x-xz": "xz", "application/zstd": "zst", "application/java-archive": "jar war",
		"application/octet-stream": "exe msi dmg pkg deb rpm apk ipa iso img bin dll so class swf pem crt key ashx",
	} {
		for ending := range strings.FieldsSeq(endings) {
			byEnding["."+ending] = kind
		}
	}
	return byEnding
}()

// TypeOf is the media type of a file by its ending, such as ".pdf". Case does not matter. It is
// "" for what is not known to be a file: pages end in anything.
func TypeOf(ending string) string { return types[strings.ToLower(ending)] }
