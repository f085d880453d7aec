package rule

import (
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// decimal is how visitors write numbers.
type decimal uint8

const (
	plainDecimal decimal = iota // 1234.56 and nothing else
	commaDecimal                // 1.234,56
	pointDecimal                // 1,234.56
)

var decimals = map[string]decimal{"": plainDecimal, "comma": commaDecimal, "point": pointDecimal}

// parse reads a number as it was typed. ok is false for what is none, and for what is
// not finite.
func (d decimal) parse(s string) (n float64, ok bool) {
	s = strings.TrimSpace(s)
	if d != plainDecimal {
		if s, ok = d.plain(s); !ok {
			return 0, false
		}
	}
	n, err := strconv.ParseFloat(s, 64)
	return n, err == nil && finite(n) && !strings.ContainsAny(s, "xX") // 0x1p4 is 16 to Go, and nothing to a visitor
}

// plain writes a number such as "€ 1.234,56" as a program does. A group that has not
// three digits says that the writer meant something else.
func (d decimal) plain(s string) (string, bool) {
	s = strings.TrimFunc(s, func(r rune) bool { return unicode.Is(unicode.Sc, r) || unicode.IsSpace(r) })
	sign := ""
	if rest, minus := strings.CutPrefix(strings.Replace(s, "\u2212", "-", 1), "-"); minus {
		sign, s = "-", strings.TrimLeftFunc(rest, func(r rune) bool { return unicode.Is(unicode.Sc, r) || unicode.IsSpace(r) })
	}
	mark, other := ".", ","
	if d == commaDecimal {
		mark, other = ",", "."
	}
	whole, part, _ := strings.Cut(s, mark)
	if !onlyDigits(part) || part == "" && whole == "" {
		return "", false
	}
	if whole, ok := ungrouped(whole, other); ok {
		return sign + whole + "." + part + "0", true
	}
	return "", false
}

// ungrouped takes what parts thousands out of a whole number: always the same, and
// always before three digits.
func ungrouped(s, mark string) (string, bool) {
	if onlyDigits(s) {
		return s, true
	}
	by := ""
	for _, sep := range []string{mark, "'", "\u2019", " ", "\u00a0", "\u202f", "\u2009"} {
		if strings.Contains(s, sep) {
			by = sep
			break
		}
	}
	if by == "" {
		return "", false
	}
	groups := strings.Split(s, by)
	for i, g := range groups {
		if !onlyDigits(g) || utf8.RuneCountInString(g) != 3 && i > 0 || i == 0 && (g == "" || len(g) > 3) {
			return "", false
		}
	}
	return strings.Join(groups, ""), true
}

func onlyDigits(s string) bool { return strings.Trim(s, "0123456789") == "" }

// number reads a source's text as a number. What a visitor typed is read as
// decimal: says; JSON says a number in one way only, and so does the application.
func (x *Exchange) number(s *source, d decimal, text string) (n float64, ok bool) {
	return x.decimalOf(s, d).parse(text)
}

// decimalOf is how a number of that source is written.
func (x *Exchange) decimalOf(s *source, d decimal) decimal {
	if d == plainDecimal || !s.visitorWrites() {
		return plainDecimal
	}
	if v, typed := x.lookupTyped(s); typed {
		if _, isText := v.(string); !isText {
			return plainDecimal
		}
	}
	return d
}

// isNoNumber reports a number that is none, which no CDP could be told.
func isNoNumber(v any) bool {
	switch v := v.(type) {
	case float64:
		return !finite(v)
	case float32:
		return !finite(float64(v))
	}
	return false
}

// beyond reports whether an amount is above a limit, or below its negative.
func beyond(amount, limit float64) bool { return limit > 0 && math.Abs(amount) > limit }
