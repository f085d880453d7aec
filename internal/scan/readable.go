package scan

import (
	"strconv"
	"strings"
)

// Readable reduces an Accept-Encoding (RFC 9110, section 12.5.3) to codings
// that can be read. The result accepts nothing that the header does not accept.
// changed is false if the header is absent or has only such codings. It is also
// false if the header has none of them and refuses an answer without coding.
func Readable(header []string) (accept string, changed bool) {
	var kept []string
	var named [codingDeflate + 1]bool
	var rest string // the weight of "*", as it is written
	hasRest, packed, plain := false, false, true
	for el := range strings.SplitSeq(strings.Join(header, ","), ",") {
		el = strings.TrimSpace(el)
		name, weight, _ := strings.Cut(el, ";")
		name = strings.TrimSpace(name)
		c, known := codingOf(name)
		switch {
		case name == "":
		case name == "*":
			hasRest, rest = true, weight
		case !known:
			changed = true
		default:
			kept, named[c] = append(kept, el), true
			if c == codingIdentity {
				plain = !isZeroWeight(weight)
			} else {
				packed = packed || !isZeroWeight(weight)
			}
		}
	}
	switch {
	case hasRest && isZeroWeight(rest):
		kept = append(kept, "*;"+rest)
		plain = plain && named[codingIdentity]
	case hasRest: // all that is not named, of which these can be read
		changed = true
		for _, c := range []coding{codingGzip, codingDeflate} {
			if !named[c] {
				kept, packed = append(kept, withWeight(codingNames[c], rest)), true
			}
		}
		if !named[codingIdentity] && rest != "" {
			kept = append(kept, withWeight(codingNames[codingIdentity], rest))
		}
	}
	switch {
	case !changed || !packed && !plain:
		return "", false
	case !packed && !named[codingIdentity]:
		kept = append(kept, codingNames[codingIdentity])
	}
	return strings.Join(kept, ", "), true
}

var codingNames = [...]string{codingIdentity: "identity", codingGzip: "gzip", codingDeflate: "deflate"}

func withWeight(name, weight string) string {
	if weight == "" {
		return name
	}
	return name + ";" + weight
}

// isZeroWeight reports whether a weight is zero, such as "q=0.0". A text that
// is not a weight is ignored.
func isZeroWeight(weight string) bool {
	for part := range strings.SplitSeq(weight, ";") {
		name, value, _ := strings.Cut(part, "=")
		if strings.EqualFold(strings.TrimSpace(name), "q") {
			q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			return err == nil && q == 0
		}
	}
	return false
}
