package path

import (
	"slices"
	"strings"
)

// languages are the codes of ISO 639-1, and of countries, that sites have at the
// beginning of their paths.
const languages = "ae af am ar at au az be bg bn br bs ca ch cn cs cy cz da de dk el en eo es et eu fa fi fo fr ga gb gl gr gu he hi hk hr hu hy id ie is it ja jp ka kk kl km ko kr lb lo lt lu lv mk ml mn mr ms mt mx nb ne nl nn no nz pa pl pt ro ru se sg si sk sl sq sr sv sw ta te th tr tw ua uk ur us uz vi za zh zu"

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
