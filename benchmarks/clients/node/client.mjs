// Subscribe N times with Microsoft's own client, decode and count; answer each line on stdin with the count.
// Usage: node client.mjs URL CONNECTIONS
import { HttpTransportType, HubConnectionBuilder, LogLevel } from "@microsoft/signalr";

const AT_ONCE = 50;
const [url, count] = process.argv.slice(2);
const connections = Number(count);
let open = 0;
let received = 0;

async function subscribe(gameType) {
  const connection = new HubConnectionBuilder()
    .withUrl(url, {
      accessTokenFactory: () => "none",
      skipNegotiation: true,
      transport: HttpTransportType.WebSockets,
    })
    .configureLogging(LogLevel.Error)
    .build();
  connection.on("WholeGamesInfoSubscribe", (update) => {
    if (update.sId >= 0) {
      received += 1;
    }
  });
  connection.onclose(() => {
    open -= 1;
  });
  await connection.start();
  const wish = JSON.stringify({ GameType: gameType, PartnerClientId: 1, Count: 1 });
  await connection.send("Subscribe", "SubOnWholeGamesInfo", wish);
  open += 1;
}

process.stdin.on("data", () => console.log(JSON.stringify({ open, received })));
process.stdin.on("end", () => process.exit(0));

let next = 1;
async function work() {
  while (next <= connections) {
    const gameType = next;
    next += 1;
    await subscribe(gameType);
  }
}
await Promise.all(Array.from({ length: AT_ONCE }, work));
