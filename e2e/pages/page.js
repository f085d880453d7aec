// run lets an SDK do in a page what sites have it do: start with the page's
// settings and send two events. sdk returns the CDP's answers. What became of it
// is left in window.sdk for the tests, and window.tell sends another event.
export async function run(sdk) {
  const settings = JSON.parse(document.getElementById("settings").textContent);
  if (settings.cdp.startsWith("/")) settings.cdp = location.origin + settings.cdp; // a relay is a path
  try {
    window.sdk = { answers: await sdk(settings) };
  } catch (err) {
    window.sdk = { error: String(err) };
  }
}

// What each of them sends after its page view.
export const clicked = "E2E:CLICKED";

// What each of them asks a decision about.
export const decision = { channel: "WEB", currency: "EUR", friendlyId: "banner", language: "EN" };
