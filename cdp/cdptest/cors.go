package cdptest

import "net/http"

// serveCORS lets scripts of any page read the answers. The CDP must do so for the browser SDKs,
// whose pages have another origin. Their JSON body and their X- headers make browsers ask first
// (https://fetch.spec.whatwg.org/#cors-preflight-fetch); it reports whether this was such a
// question, which it has answered then. No SDK sends credentials, so any origin is allowed.
func serveCORS(w http.ResponseWriter, r *http.Request) bool {
	if r.Header.Get("Origin") == "" {
		return false
	}
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
		return false
	}
	h.Set("Access-Control-Allow-Methods", "GET, POST")
	h.Set("Access-Control-Allow-Headers", r.Header.Get("Access-Control-Request-Headers"))
	h.Set("Access-Control-Max-Age", "600")
	w.WriteHeader(http.StatusNoContent)
	return true
}
