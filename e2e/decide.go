package main

import (
	"encoding/json"
	"net/http"
)

// decides answers what the SDKs ask of Sitecore that is no event: a decision, and where the
// script is that shows one. Everything else is the CDP's.
func (s *shop) decides(cdp http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var answer any
		switch r.Method + " " + r.URL.Path {
		case "POST /v1/personalize", "POST /v2/callFlows":
			var asked struct {
				FriendlyID string `json:"friendlyId"`
			}
			_ = json.NewDecoder(r.Body).Decode(&asked)
			answer = map[string]any{"flow": asked.FriendlyID, "variantId": "spring", "cookies": len(r.Header["Cookie"])}
		case "GET /v1/personalize/cdn-url":
			answer = "https://cdn.example/web.js"
		default:
			cdp.ServeHTTP(w, r)
			return
		}
		text, isText := answer.(string)
		switch {
		case s.o.Trouble == "html":
			w.Header().Set("Content-Type", "text/html")
			_, _ = w.Write([]byte("<html><body>Hello"))
		case isText:
			_, _ = w.Write([]byte(text))
		default:
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(answer)
		}
	})
}
