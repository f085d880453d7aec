"use client";
import { useRouter } from "next/navigation";

const Refresh = () => {
  const router = useRouter();
  return <button id="refresh" onClick={() => router.refresh()}>Refresh</button>;
};
export default Refresh;
