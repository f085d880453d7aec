package path

import (
	"fmt"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode/utf8"
)

// What stands for texts of a path in a pattern. No normal path has a semicolon: without it, a
// segment and the parameter behind it are told apart at once, and a browser that finds no
// match has tried nothing twice. "/" outside a class is written \/, and nothing else is.
const (
	segmentText = `[^/;]+`
	partText    = `[^/;]*` // of a segment
	anyText     = `[\s\S]*`
)

// mostLoose bounds how many parts of a template may take any number of segments: a browser
// tries how they share the path. What follows is any text.
const mostLoose = 2

// Script is the template as a regular expression of JavaScript, for the flags i and u. The
// path has to be decoded and in its normal form, with or without "/" at the end. It matches
// every path that the template matches. It may match more: a browser tries alternatives one
// by one. So a pattern that could take long stands in it as any text, and so does what may be
// a slash among others. The server decides (see [Template.Capture]). It is also an expression
// of Go. Each \/ in it is a slash of the path.
func (t *Template) Script() string {
	segments, err := splitTemplate(trimEnd(t.Text))
	if err != nil {
		return "^"
	}
	var b strings.Builder
	b.WriteByte('^')
	loose := 0
	for _, s := range segments {
		if s == "**" {
			if loose++; loose > mostLoose {
				return b.String() + anyText + `\/?$`
			}
			b.WriteString(`(?:\/` + segmentText + `)*`)
			continue
		}
		b.WriteString(`\/`)
		if s == "*" {
			b.WriteString(segmentText)
			continue
		}
		for s != "" {
			switch {
			case s[0] == '*':
				b.WriteString(partText)
				s = s[1:]
			case s[0] == '{' && closingBrace(s) > 0:
				end := closingBrace(s)
				_, pattern, _ := strings.Cut(s[1:end], ":")
				text := scriptPattern(pattern)
				if loose += strings.Count(text, anyText); loose > mostLoose {
					return b.String() + anyText + `\/?$`
				}
				b.WriteString(text)
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
		return segmentText
	}
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return anyText
	}
	var b strings.Builder
	if !writeScript(&b, re, false) || strings.Count(b.String(), anyText) > 1 {
		if staysInSegment(pattern) {
			return partText
		}
		return anyText
	}
	return "(?:" + b.String() + ")"
}

// writeScript writes an expression, unless a browser could take long for it: what repeats
// may hold nothing but single characters.
func writeScript(b *strings.Builder, re *syntax.Regexp, repeated bool) bool {
	if mayBeSlash(re) || len(re.Sub) == 1 && mayBeSlash(re.Sub[0]) {
		writeAnyText(b)
		return !repeated
	}
	switch re.Op {
	case syntax.OpEmptyMatch:
		b.WriteString("(?:)")
	case syntax.OpLiteral:
		if repeated && (len(re.Rune) > 1 || re.Rune[0] == '/') {
			return false
		}
		for _, r := range re.Rune {
			writeScriptRune(b, r)
		}
	case syntax.OpCharClass:
		return writeScriptClass(b, re.Rune)
	case syntax.OpStar, syntax.OpPlus, syntax.OpQuest, syntax.OpRepeat:
		if repeated || !writeScript(b, re.Sub[0], true) {
			return false
		}
		b.WriteString(repeatInScript(re))
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

// mayBeSlash reports whether an expression stands for one character of many, of which the
// slash is one.
func mayBeSlash(re *syntax.Regexp) bool {
	switch re.Op {
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return true
	case syntax.OpCharClass:
		for i := 0; i+1 < len(re.Rune); i += 2 {
			if re.Rune[i] <= '/' && '/' <= re.Rune[i+1] {
				return true
			}
		}
	}
	return false
}

// writeAnyText writes what may be a slash, since the path of a browser may have several for
// one. Two of them are one: else a browser would try how they share the text.
func writeAnyText(b *strings.Builder) {
	if !strings.HasSuffix(b.String(), anyText) {
		b.WriteString(anyText)
	}
}

func repeatInScript(re *syntax.Regexp) string {
	switch {
	case re.Op == syntax.OpStar:
		return "*"
	case re.Op == syntax.OpPlus:
		return "+"
	case re.Op == syntax.OpQuest:
		return "?"
	case re.Max == re.Min:
		return fmt.Sprintf("{%d}", re.Min)
	case re.Max < 0:
		return fmt.Sprintf("{%d,}", re.Min)
	}
	return fmt.Sprintf("{%d,%d}", re.Min, re.Max)
}

// maxScriptRanges bounds a class such as \pL, which has hundreds of ranges.
const maxScriptRanges = 20

// writeScriptClass writes a class of characters, without the semicolon.
func writeScriptClass(b *strings.Builder, ranges []rune) bool {
	if len(ranges) == 0 || len(ranges) > 2*maxScriptRanges {
		return false
	}
	b.WriteByte('[')
	for i := 0; i+1 < len(ranges); i += 2 {
		low, high := ranges[i], ranges[i+1]
		if low <= ';' && ';' <= high {
			writeScriptRange(b, low, ';'-1)
			low = ';' + 1
		}
		writeScriptRange(b, low, high)
	}
	b.WriteByte(']')
	return true
}

func writeScriptRange(b *strings.Builder, low, high rune) {
	if low > high {
		return
	}
	writeInClass(b, low)
	if low < high {
		b.WriteByte('-')
		writeInClass(b, high)
	}
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
