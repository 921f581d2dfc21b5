# One image for every service: the command says which one runs.
#   docker build -t switchyard . && docker run switchyard services/wallet/main.ts
FROM node:24-slim

ENV NODE_ENV=production
WORKDIR /app

COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts && npm cache clean --force

COPY shared ./shared
COPY services ./services
COPY rabbitmq ./rabbitmq
COPY local/stand-ins/provider ./local/stand-ins/provider
COPY local/stand-ins/warehouse ./local/stand-ins/warehouse
COPY local/stand-ins/stub-server.ts local/stand-ins/misbehaviour.ts ./local/stand-ins/

USER node
EXPOSE 8080
ENV HTTP_HOST=0.0.0.0 HTTP_PORT=8080
# A probe is a process: seldom, because there are two dozen such containers.
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + process.env.HTTP_PORT + '/readyz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]

ENTRYPOINT ["node", "--enable-source-maps"]
CMD ["services/gateway/main.ts"]
