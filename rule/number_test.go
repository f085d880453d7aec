package rule

import "testing"

// TestDecimal: a number as visitors type it, by what decimal: says. What may mean
// something else is none.
func TestDecimal(t *testing.T) {
	for _, tt := range []struct {
		text                string
		plain, comma, point any // nil: it is no number
	}{
		{"1234.56", 1234.56, nil, 1234.56},
		{"1234,56", nil, 1234.56, nil},
		{"1.234", 1.234, 1234.0, 1.234},
		{"1,234", nil, 1.234, 1234.0},
		{"1,234.56", nil, nil, 1234.56},
		{"1.234,56", nil, 1234.56, nil},
		{"12,50", nil, 12.5, nil},
		{"12.50", 12.5, nil, 12.5},
		{"€ 12.50", nil, nil, 12.5},
		{"12,50 €", nil, 12.5, nil},
		{"1'234.50", nil, nil, 1234.5},
		{"1’234,50", nil, 1234.5, nil},
		{"1\u00a0234\u202f567,5", nil, nil, nil},
		{"1\u202f234\u202f567,5", nil, 1234567.5, nil},
		{"1 234 567", nil, 1234567.0, 1234567.0},
		{"12.34.56", nil, nil, nil},
		{"1.2345,6", nil, nil, nil},
		{"1234.567,8", nil, nil, nil},
		{".567,8", nil, nil, nil},
		{"1,2,3", nil, nil, nil},
		{"-20", -20.0, -20.0, -20.0},
		{"-€ 1.234,5", nil, -1234.5, nil},
		{"\u2212 12,5", nil, -12.5, nil},
		{"--1", nil, nil, nil},
		{" 12 ", 12.0, 12.0, 12.0},
		{",5", nil, 0.5, nil},
		{".5", 0.5, nil, 0.5},
		{"5,", nil, 5.0, nil},
		{"", nil, nil, nil},
		{",", nil, nil, nil},
		{"€", nil, nil, nil},
		{"1e3", 1000.0, nil, nil},
		{"NaN", nil, nil, nil},
		{"Infinity", nil, nil, nil},
		{"1e999", nil, nil, nil},
		{"12 EUR", nil, nil, nil},
		{"0x10", nil, nil, nil},
		{"0x1p4", nil, nil, nil},
	} {
		for i, want := range []any{tt.plain, tt.comma, tt.point} {
			var got any
			if n, ok := decimal(i).parse(tt.text); ok {
				got = n
			}
			if got != want {
				t.Errorf("%q, decimal %d: %v, want %v", tt.text, i, got, want)
			}
		}
	}
}
