package web

import "strings"

// FoldEmail returns an e-mail address in the form in which addresses are
// compared.
func FoldEmail(s string) string { return strings.ToLower(strings.TrimSpace(s)) }
