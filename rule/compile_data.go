package rule

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/internal/ext"
	"github.com/goaltrack/goaltrack/internal/web"
)

// field is one name of data: and where its value comes from.
type field struct {
	name    string
	from    source
	literal any     // used when from is a literal
	as      kind    // what a text is turned into
	decimal decimal // how visitors write numbers
}

// kind is the type an attribute is sent as. The CDP wants a name to keep its
// type for all events of a type, and what visitors send is text.
type kind uint8

const (
	asIs kind = iota
	asText
	asNumber
	asBool
)

var kinds = map[string]kind{"": asIs, "text": asText, "number": asNumber, "bool": asBool}

// convert turns a value into the kind; ok is false if it is none.
func (k kind) convert(v any, dec decimal) (_ any, ok bool) {
	s, isText := v.(string)
	switch k {
	case asText:
		s, err := scalarText(v)
		return s, err == nil
	case asNumber:
		if !isText {
			_, isBool := v.(bool)
			return v, !isBool && !isNoNumber(v)
		}
		return dec.parse(s)
	case asBool:
		if isText {
			b, err := strconv.ParseBool(strings.TrimSpace(s))
			return b, err == nil
		}
		_, ok := v.(bool)
		return v, ok
	case asIs:
	}
	return v, !isNoNumber(v)
}

// value is value: compiled.
type value struct {
	set      bool
	amount   float64
	from     source
	currency string
	max      float64
}

// The base fields a goal may replace.
const (
	baseLanguage = iota
	baseCurrency
	baseChannel
	basePointOfSale
	baseFields
)

var extName = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9]{0,99}$`)

func (g *goal) compileData(f *faults) {
	most := ext.Max
	if slices.ContainsFunc(g.causes, func(c Cause) bool { return c.told() }) {
		most--
	}
	if len(g.Data) > most {
		f.hint("data", fmt.Sprintf("%d attributes are more than %d", len(g.Data), most), fmt.Sprintf("the CDP takes 50 and goaltrack adds up to %d", 50-most))
	}
	for _, name := range slices.Sorted(maps.Keys(g.Data)) {
		key := "data." + name
		switch {
		case !extName.MatchString(name):
			f.hint(key, fmt.Sprintf("the attribute %q is not made of letters and digits", name), "for example "+camel(name))
		case slices.Contains(ext.Reserved, name):
			f.hint(key, fmt.Sprintf("goaltrack sends the attribute %q itself", name), "")
		}
		d, err := parseField(name, g.Data[name])
		if err != nil {
			f.add(key, err)
			continue
		}
		g.reads(key, &d.from, f)
		d.decimal = g.decimal
		g.data = append(g.data, d)
	}
}

func parseField(name string, v any) (field, error) {
	d := field{name: name, literal: v}
	switch v := v.(type) {
	case string:
		var err error
		d.from, err = parseSource(v)
		d.literal = d.from.text
		if len(d.from.text) > maxCollected {
			err = fmt.Errorf("the text is longer than %d bytes", maxCollected)
		}
		return d, err
	case bool, int, int64, uint64, float64:
		return d, nil
	case DataFrom:
		if v.From == "" {
			return d, &advice{name + ": says no from:", "for example { from: $form.pages, as: number }"}
		}
		as, ok := kinds[v.As]
		if !ok {
			return d, fmt.Errorf("as: %q is not one of text, number, bool", v.As)
		}
		var err error
		d.from, err = parseSource(v.From)
		if d.as = as; err == nil && d.from.kind == sourceLiteral {
			err = &advice{fmt.Sprintf("from: %q is not a $source", v.From), "for example $app.total"}
		}
		return d, err
	}
	return d, errors.New("a text, a number, true, false or a $source is expected here")
}

// noCurrency says that values are points, as the engagement value of Sitecore XP is
// (doc.sitecore.com, "Engagement value points"), and not money.
const noCurrency = "none"

const currencyExample = "for example EUR, or none for points"

// isCurrency reports whether a rule may name it as a currency.
func isCurrency(text string) bool { return text == noCurrency || cdp.ValidCurrency(text) }

func (g *goal) compileValue(f *faults) {
	v := g.Value
	if v == (Value{}) {
		return
	}
	g.value = value{set: true, amount: v.Amount, currency: v.Currency, max: v.Max}
	if v.Currency != "" && !isCurrency(v.Currency) {
		f.hint("value", fmt.Sprintf("the currency %q is not an ISO 4217 code", v.Currency), currencyExample)
	}
	if v.Amount < 0 || v.Max < 0 {
		f.hint("value", "a value is not negative", "write a number above 0, or leave value: out")
	}
	if v.From == "" {
		return
	}
	var err error
	if g.value.from, err = parseSource(v.From); err != nil {
		f.add("value", err)
		return
	}
	g.reads("value", &g.value.from, f)
	switch {
	case g.value.from.kind == sourceLiteral:
		f.hint("value", fmt.Sprintf("value: %q is neither a number nor a $source", v.From), "for example $app.total")
	case g.value.from.visitorWrites() && v.Max == 0:
		f.hint("value", fmt.Sprintf("the visitor writes %s, so it needs a maximum", v.From), "value: { from: "+v.From+", max: 20000 }")
	}
}

func (g *goal) compileBase(f *faults) {
	parse := func(key, text string, into *source, check func(string) bool, example string) {
		var err error
		if *into, err = parseSource(text); err != nil {
			f.add(key, err)
			return
		}
		if text == "" {
			return
		}
		g.reads(key, into, f)
		if into.kind == sourceLiteral && check != nil && !check(into.text) {
			f.hint(key, key+": "+strconv.Quote(into.text)+" is not understood", example)
		}
	}
	parse("page", g.Page, &g.page, nil, "")
	parse("language", g.Language, &g.base[baseLanguage], func(s string) bool { return web.Language(s) != "" }, "for example EN or de-DE")
	parse("currency", g.Currency, &g.base[baseCurrency], isCurrency, currencyExample)
	parse("channel", g.Channel, &g.base[baseChannel], func(s string) bool { return s == channelAuto || cdp.ValidChannel(s) }, "WEB, MOBILE_WEB or auto")
	parse("pos", g.PointOfSale, &g.base[basePointOfSale], nil, "")
}
