package path

import (
	"slices"
	"strings"
)

// languages are the codes of ISO 639-1, and of countries, that sites have at the
// beginning of their paths.
const languages = " ar az be bg bn bs ca cs cy da de el en es et eu fa fi fr ga gl he hi hr hu hy id is it ja ka kk ko lt lv mk ms mt nb nl nn no pl pt ro ru sk sl sq sr sv th tr uk ur uz vi zh at au br ch gb mx nz us "

// languageCodes has languages as bits: by the first letter, one for each second.
var languageCodes = func() (codes [26]uint32) {
	for code := range strings.FieldsSeq(languages) {
		codes[code[0]-'a'] |= 1 << (code[1] - 'a')
	}
	return codes
}()

// isLanguageCode recognises one of languages, in any case.
func isLanguageCode(a, b byte) bool {
	first, second := (a|0x20)-'a', (b|0x20)-'a'
	return first < 26 && second < 26 && languageCodes[first]&(1<<second) != 0
}

// IsLanguage recognises the first segment of a path that names a language: de, pt-BR, zh_Hans, sr-Latn-RS.
func IsLanguage(s string) bool {
	if len(s) < 2 || !isLanguageCode(s[0], s[1]) {
		return false
	}
	if len(s) == 2 {
		return true
	}
	if s[2] != '-' && s[2] != '_' {
		return false
	}
	region := strings.ToLower(s[3:])
	if len(region) > 5 && (region[4] == '-' || region[4] == '_') && slices.Contains(scripts, region[:4]) {
		region = region[5:] // zh-Hans-CN
	}
	return len(region) == 2 || region == "419" || region == "001" || region == "150" || slices.Contains(scripts, region)
}

var scripts = []string{"hans", "hant", "latn", "cyrl", "arab"}
