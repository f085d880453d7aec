package cdptest

import "net/http"

// serveCORS lets scripts of any page read the answers, as the CDP must for the
// browser SDKs, whose pages are of another origin, and says whether that was
// all: their JSON body and their X- headers have browsers ask first
// (https://fetch.spec.whatwg.org/#cors-preflight-fetch). No SDK sends
// credentials, so any origin will do.
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
