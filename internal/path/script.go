package path

import (
	"fmt"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode/utf8"
)

// Script is the template as a regular expression of JavaScript, for the flags i and u. The
// path has to be decoded and in its normal form, with or without "/" at the end. It matches
// every path that the template matches. It may match more: a browser tries alternatives one
// by one, so a pattern that could take long stands in it as any text. The server decides (see
// [Template.Capture]). It is also an expression of Go.
func (t *Template) Script() string {
	segments, err := splitTemplate(trimEnd(t.Text))
	if err != nil {
		return "^"
	}
	var b strings.Builder
	b.WriteByte('^')
	for _, s := range segments {
		if s == "**" {
			b.WriteString(`(?:\/[^\/]+)*`)
			continue
		}
		b.WriteString(`\/`)
		if s == "*" {
			b.WriteString(`[^\/]+`)
			continue
		}
		for s != "" {
			switch {
			case s[0] == '*':
				b.WriteString(`[^\/]*`)
				s = s[1:]
			case s[0] == '{' && closingBrace(s) > 0:
				end := closingBrace(s)
				_, pattern, _ := strings.Cut(s[1:end], ":")
				b.WriteString(scriptPattern(pattern))
				s = s[end+1:]
			default:
				r, size := utf8.DecodeRuneInString(s)
				writeScriptRune(&b, r)
				s = s[size:]
			}
		}
	}
	b.WriteString(`\/?$`)
	return b.String()
}

// scriptPattern is the pattern of a variable.
func scriptPattern(pattern string) string {
	if pattern == "" {
		return `[^\/]+`
	}
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return ".*"
	}
	var b strings.Builder
	if !writeScript(&b, re, false) {
		if staysInSegment(pattern) {
			return `[^\/]*`
		}
		return ".*"
	}
	return "(?:" + b.String() + ")"
}

// writeScript writes an expression, unless a browser could take long for it: what repeats
// may hold nothing but single characters.
func writeScript(b *strings.Builder, re *syntax.Regexp, repeated bool) bool {
	switch re.Op {
	case syntax.OpEmptyMatch:
		b.WriteString("(?:)")
	case syntax.OpLiteral:
		if repeated && len(re.Rune) > 1 {
			return false
		}
		for _, r := range re.Rune {
			writeScriptRune(b, r)
		}
	case syntax.OpCharClass:
		return writeScriptClass(b, re.Rune)
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL: // a path has no line ends
		b.WriteByte('.')
	case syntax.OpStar, syntax.OpPlus, syntax.OpQuest:
		if repeated || !writeScript(b, re.Sub[0], true) {
			return false
		}
		b.WriteByte(map[syntax.Op]byte{syntax.OpStar: '*', syntax.OpPlus: '+', syntax.OpQuest: '?'}[re.Op])
	case syntax.OpRepeat:
		if repeated || !writeScript(b, re.Sub[0], true) {
			return false
		}
		b.WriteString(repeatInScript(re.Min, re.Max))
	case syntax.OpConcat:
		return !repeated && !slices.ContainsFunc(re.Sub, func(sub *syntax.Regexp) bool { return !writeScript(b, sub, false) })
	case syntax.OpAlternate:
		if repeated {
			return false
		}
		for i, sub := range re.Sub {
			b.WriteString([]string{"(?:", "|"}[min(i, 1)])
			if !writeScript(b, sub, false) {
				return false
			}
		}
		b.WriteByte(')')
	default: // anchors and boundaries, which look beyond their own text
		return false
	}
	return true
}

func repeatInScript(least, most int) string {
	switch most {
	case least:
		return fmt.Sprintf("{%d}", least)
	case -1:
		return fmt.Sprintf("{%d,}", least)
	}
	return fmt.Sprintf("{%d,%d}", least, most)
}

// maxScriptRanges bounds a class such as \pL, which has hundreds of ranges.
const maxScriptRanges = 20

func writeScriptClass(b *strings.Builder, ranges []rune) bool {
	if len(ranges) == 0 || len(ranges) > 2*maxScriptRanges {
		return false
	}
	b.WriteByte('[')
	for i := 0; i+1 < len(ranges); i += 2 {
		if low, high := ranges[i], ranges[i+1]; low == high {
			writeInClass(b, low)
		} else {
			writeInClass(b, low)
			b.WriteByte('-')
			writeInClass(b, high)
		}
	}
	b.WriteByte(']')
	return true
}

// writeScriptRune writes a character that stands for itself, in both languages.
func writeScriptRune(b *strings.Builder, r rune) {
	if strings.ContainsRune(`^$\.*+?()[]{}|/`, r) {
		b.WriteByte('\\')
	}
	b.WriteRune(r)
}

func writeInClass(b *strings.Builder, r rune) {
	if r == '-' {
		b.WriteByte('\\') // which it may not have elsewhere, with the flag u
	}
	writeScriptRune(b, r)
}
