// Keeps a visitor's keys in a cookie of this browser, beside those that another tab has put there.
export default function ({ data }) {
  const found = document.cookie.split("; ").find((one) => one.startsWith(`${data.name}=`));
  const before = found ? found.slice(data.name.length + 1).split(".") : [];
  const keys = [...new Set([...data.keys, ...before])].filter(Boolean).slice(0, data.most);
  const secure = location.protocol === "https:";
  // In another site's frame, a browser keeps only cookies of that frame.
  const place = !secure ? "SameSite=Lax" : window.top === window ? "SameSite=Lax; Secure" : "SameSite=None; Secure; Partitioned";
  document.cookie = `${data.name}=${keys.join(".")}; Path=/; Max-Age=31536000; ${place}`;
}
