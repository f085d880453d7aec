// Pages that are made ahead have their data in a file of its own.
export default defineNuxtConfig({ telemetry: false, routeRules: { "/**": { prerender: true } } });
