package web

import "strings"

// FoldEmail writes an e-mail address in the form in which it is compared.
func FoldEmail(s string) string { return strings.ToLower(strings.TrimSpace(s)) }
