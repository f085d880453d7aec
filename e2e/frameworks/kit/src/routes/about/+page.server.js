export const load = () => ({ now: Date.now() });
