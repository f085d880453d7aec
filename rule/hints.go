package rule

import (
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/internal/web"
)

// What people write in the way of their own language, and how the rule file has it. Each of
// these returns a hint for the fault, or a general one.

// dateHint is for what is not a date: 1.12.2026 and 1/12/2026 may be meant.
func dateHint(text string) string {
	for _, layout := range []string{"2.1.2006", "2. 1. 2006", "2006/1/2", "2006.1.2", "2 January 2006", "January 2, 2006", "2 Jan 2006", "Jan 2, 2006", "2006-1-2"} {
		if t, err := time.Parse(layout, text); err == nil {
			return "write " + t.Format(time.DateOnly)
		}
	}
	return "2026-12-01 or 2026-12-01 18:00"
}

// spelledTime is a time in words, such as 2 hours, and units what their beginnings are in
// the rule file.
var (
	spelledTime = regexp.MustCompile(`^([0-9]{1,4}) *([A-Za-z]+)\.?$`)
	units       = []struct {
		begins, unit string
		times        int
	}{{"min", "m", 1}, {"m", "m", 1}, {"h", "h", 1}, {"stunde", "h", 1}, {"std", "h", 1}, {"s", "s", 1}, {"d", "h", 24}, {"tag", "h", 24}, {"jour", "h", 24}, {"w", "h", 7 * 24}}
)

// timeHint is for what is no time: 2 hours and 1 day may be meant.
func timeHint(text string) string {
	if m := spelledTime.FindStringSubmatch(text); m != nil {
		n, _ := strconv.Atoi(m[1]) // four digits at most
		for _, u := range units {
			if strings.HasPrefix(strings.ToLower(m[2]), u.begins) {
				return fmt.Sprintf("write %d%s", n*u.times, u.unit)
			}
		}
	}
	return "for example 30m or 2h"
}

// money is an amount with its currency, before or behind it.
var money = regexp.MustCompile(`^(?:([A-Za-z]{3}|[€$£]) ?)?([0-9]+(?:\.[0-9]+)?)(?: ?([A-Za-z]{3}|[€$£]))?$`)

// amountHint is for a value with its currency, "" for all else.
func amountHint(what, text string) string {
	m := money.FindStringSubmatch(text)
	if what != "value" || m == nil || m[1]+m[3] == "" {
		return ""
	}
	currency := strings.ToUpper(m[1] + m[3])
	if sign, ok := map[string]string{"€": "EUR", "$": "USD", "£": "GBP"}[currency]; ok {
		currency = sign
	}
	if !cdp.ValidCurrency(currency) {
		return ""
	}
	return "write value: { amount: " + m[2] + ", currency: " + currency + " }"
}

// undotted is a source of a condition that lacks its dot.
var undotted = regexp.MustCompile(`^\$?` + sourceWords + `[_: -]([A-Za-z0-9_.-]+)$`)

// dottedHint is for a condition such as utm_campaign or response.ok, "" for all else.
func dottedHint(key string) string {
	switch member, isAnswer := strings.CutPrefix(key, "response."); {
	case key == "status" || key == "code" || member == "status" || member == "code":
		return "a status stands alone, for example success: 200"
	case isAnswer && !strings.Contains(member, "."):
		return "did you mean response.json." + member + "?"
	}
	m := undotted.FindStringSubmatch(key)
	if m == nil {
		return ""
	}
	return "did you mean " + m[1] + "." + m[2] + "?"
}

// twoLetters are what German and the languages of the north write for letters that other
// keyboards lack.
var twoLetters = strings.NewReplacer("Ä", "AE", "Ö", "OE", "Ü", "UE", "ä", "ae", "ö", "oe", "ü", "ue", "ß", "ss", "Æ", "AE", "æ", "ae", "Ø", "OE", "ø", "oe", "Å", "AA", "å", "aa")

// hostHint is for what is no host name: an address or a host with its port may be meant.
func hostHint(text string) string {
	for _, address := range []string{text, "//" + text} {
		if u, err := url.Parse(address); err == nil && u.Hostname() != text && web.ValidHost(u.Hostname()) {
			return "write " + u.Hostname()
		}
	}
	return "for example shop.example or *.shop.example"
}

// unaccented is a text without what stands above and below its letters.
func unaccented(s string) string {
	s = twoLetters.Replace(norm.NFC.String(s))
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return r
	}, norm.NFD.String(s))
}
