import Refresh from "./refresh";

export const dynamic = "force-dynamic";
const Dash = () => <><h1>Dash</h1><p id="time">{Date.now()}</p><Refresh /></>;
export default Dash;
