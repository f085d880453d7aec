package cdptest

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// bodies are the members that the page of each standard event has beside the base attributes
// (doc.sitecore.com/cdp/en/developers/api, "SEARCH event" and so on). It is written from the
// pages and not from package cdp, so that a fault of the one is found by the other. A page has
// names, types and examples of values, so that is what can be checked. Members that a page does
// not have are let through, as the SDKs send some.
var bodies = map[string]shape{
	"IDENTITY": slices.Concat(shape{{"identifiers", needed, each(identifier)}}, person),
	"SEARCH": {
		{"product_name", needed, filled},
		{"product_type", needed, upperCase},
		{"flight_type", !needed, among("OW", "RT")},
		{"origin", !needed, like("[A-Z]{3}")},
		{"destination", !needed, like("[A-Z]{3}")},
		{"start", !needed, at("2006-01-02T15:04")},
		{"end", !needed, at("2006-01-02T15:04")},
		{"adults", !needed, natural},
		{"children", !needed, natural},
		{"infants", !needed, natural},
		{"fare_class", !needed, filled},
		{"fare_family", !needed, filled},
	},
	"ADD": {{"product", needed, one(shape{
		{"type", needed, upperCase},
		{"item_id", needed, filled},
		{"name", needed, filled},
		{"orderedAt", needed, utc},
		{"quantity", needed, numeric},
		{"price", needed, numeric},
		{"productId", needed, filled},
		{"currency", needed, like("[A-Z]{3}")},
		{"referenceId", needed, filled},
		{"originalPrice", !needed, numeric},
		{"originalCurrencyCode", !needed, like("[A-Z]{3}")},
	})}},
	"ADD_CONTACTS": {{"contact", needed, each(slices.Concat(shape{{"identifiers", !needed, each(identifier)}}, person))}},
	"ADD_CONSUMERS": {{"consumer", needed, each(shape{
		{"title", needed, filled},
		{"firstname", needed, filled},
		{"lastname", needed, filled},
		{"gender", !needed, filled},
		{"dob", !needed, at("2006-01-02T15:04", time.DateOnly)},
		{"mobile", !needed, filled},
		{"nationality", !needed, filled},
	})}},
	"CONFIRM":  {{"product", needed, each(shape{{"item_id", needed, filled}})}},
	"PAYMENT":  {{"pay_type", needed, among("Card", "PayPal", "Voucher", "Other", "Cancelled")}},
	"CHECKOUT": {{"reference_id", needed, filled}, {"status", needed, among("PURCHASED", "PAYMENT_PENDING", "CONFIRMED", "CANCELLED", "REFUNDED")}},
	"ORDER_CHECKOUT": {{"order", needed, one(shape{
		{"referenceId", needed, filled},
		{"orderedAt", needed, utc},
		{"status", needed, among("PURCHASED", "PAYMENT_PENDING")},
		{"currencyCode", needed, like("[A-Z]{3}")},
		{"price", needed, numeric},
		{"paymentType", needed, filled},
		{"cardType", !needed, filled},
		{"extensions", !needed, each(extension)},
		{"orderItems", !needed, each(shape{
			{"type", !needed, upperCase},
			{"referenceId", !needed, filled},
			{"orderedAt", !needed, utc},
			{"status", !needed, filled},
			{"currencyCode", !needed, like("[A-Z]{3}")},
			{"price", !needed, numeric},
			{"name", !needed, filled},
			{"productId", !needed, filled},
			{"quantity", !needed, numeric},
			{"extensions", !needed, each(extension)},
		})},
	})}},
	"FORM": {{"ext", needed, one(shape{
		{"formId", needed, filled}, {"interactionType", needed, among("VIEWED", "SUBMITTED")}, {"componentInstanceId", !needed, filled},
	})}},
}

var (
	identifier = shape{
		{"id", needed, filled},
		{"provider", needed, filled},
		{"expiry_date", !needed, either(utc, at("2006-01-02T15:04", time.DateOnly))},
	}
	person = shape{
		{"email", !needed, like(`[^\s@]+@[^\s@]+\.[^\s@]+`)},
		{"title", !needed, filled},
		{"firstname", !needed, filled},
		{"lastname", !needed, filled},
		{"gender", !needed, among("female", "male", "unknown")},
		{"dob", !needed, at("2006-01-02T15:04", time.DateOnly)},
		{"mobile", !needed, filled},
		{"phone", !needed, filled},
		{"street", !needed, texts},
		{"city", !needed, filled},
		{"state", !needed, filled},
		{"postal_code", !needed, filled},
		{"country", !needed, like("[A-Z]{2}")},
	}
	extension = shape{{"name", needed, among("ext")}, {"key", needed, among("default")}}
)

// A shape is what an object may hold.
type shape []member

type member struct {
	name     string
	required bool
	check    func(v any) error
}

const needed = true

// checkBody applies the page of the event's type.
func checkBody(name string, body map[string]any) error {
	breaches := []error{bodies[name].check(body)}
	switch name {
	case "SEARCH":
		if body["product_type"] == "FLIGHT" {
			breaches = append(breaches, needs(body, "for a FLIGHT", "flight_type", "origin", "destination", "start", "adults", "children", "infants"))
		}
	case "ORDER_CHECKOUT":
		if order, ok := body["order"].(map[string]any); ok && order["paymentType"] == "Card" {
			breaches = append(breaches, needs(order, "with Card", "cardType"))
		}
	}
	if err := errors.Join(breaches...); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

func needs(o map[string]any, when string, names ...string) error {
	for _, name := range names {
		if o[name] == nil {
			return fmt.Errorf("needs %s %s", name, when)
		}
	}
	return nil
}

func (s shape) check(o map[string]any) error {
	var breaches []error
	for _, m := range s {
		v, sent := o[m.name]
		if !sent {
			if m.required {
				breaches = append(breaches, fmt.Errorf("needs %s", m.name))
			}
			continue
		}
		if err := m.check(v); err != nil {
			breaches = append(breaches, fmt.Errorf("%s %w", m.name, err))
		}
	}
	return errors.Join(breaches...)
}

// one accepts an object of a shape.
func one(s shape) func(any) error {
	return func(v any) error {
		o, ok := v.(map[string]any)
		if !ok {
			return fmt.Errorf("must be an object, this is %s", jsonType(v))
		}
		return s.check(o)
	}
}

// each accepts a list of one or more objects of a shape.
func each(s shape) func(any) error {
	return func(v any) error {
		list, ok := v.([]any)
		if !ok || len(list) == 0 {
			return errors.New("must be a list of at least one")
		}
		for i, v := range list {
			if err := one(s)(v); err != nil {
				return fmt.Errorf("[%d] %w", i, err)
			}
		}
		return nil
	}
}

func texts(v any) error {
	list, ok := v.([]any)
	if !ok || slices.ContainsFunc(list, func(v any) bool { return filled(v) != nil }) {
		return errors.New("must be a list of texts")
	}
	return nil
}

func filled(v any) error {
	if s, ok := v.(string); !ok || strings.TrimSpace(s) == "" {
		return fmt.Errorf("must be a text, this is %s", jsonType(v))
	}
	return nil
}

func upperCase(v any) error {
	if s, _ := v.(string); s == "" || s != strings.ToUpper(s) {
		return errors.New("must be in upper case")
	}
	return nil
}

func numeric(v any) error {
	if jsonType(v) != "number" {
		return fmt.Errorf("must be a number, this is %s", jsonType(v))
	}
	return nil
}

func natural(v any) error {
	text := ""
	switch n := v.(type) {
	case json.Number:
		text = n.String()
	case float64:
		text = strconv.FormatFloat(n, 'f', -1, 64)
	}
	if _, err := strconv.ParseUint(text, 10, 32); err != nil {
		return errors.New("must be a whole number from 0 on")
	}
	return nil
}

func among(words ...string) func(any) error {
	return func(v any) error {
		if s, ok := v.(string); !ok || !slices.Contains(words, s) {
			return fmt.Errorf("must be one of %s", strings.Join(words, ", "))
		}
		return nil
	}
}

func like(pattern string) func(any) error {
	re := regexp.MustCompile("^(?:" + pattern + ")$")
	return func(v any) error {
		if s, ok := v.(string); !ok || !re.MatchString(s) {
			return fmt.Errorf("must look like %s", pattern)
		}
		return nil
	}
}

func at(layouts ...string) func(any) error {
	return func(v any) error {
		s, _ := v.(string)
		for _, layout := range layouts {
			if _, err := time.Parse(layout, s); err == nil && len(s) == len(layout) {
				return nil
			}
		}
		return fmt.Errorf("must be a time like %s", layouts[0])
	}
}

func utc(v any) error {
	s, _ := v.(string)
	if _, err := time.Parse(time.RFC3339, s); err != nil || !strings.HasSuffix(s, "Z") {
		return errors.New("must be a time in UTC, such as 2025-08-23T16:17:16.000Z")
	}
	return nil
}

func either(checks ...func(any) error) func(any) error {
	return func(v any) (err error) {
		for _, check := range checks {
			if err = check(v); err == nil {
				return nil
			}
		}
		return err
	}
}
