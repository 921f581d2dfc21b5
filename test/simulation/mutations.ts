/** Deliberate defects, one per guarantee. Each is applied to a copy of the tree; the simulation has to catch it. */

export interface Edit {
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly find: string;
  readonly replace: string;
}

export interface Mutation extends Edit {
  readonly name: string;
  /** What it takes away. */
  readonly guarantee: string;
  /** Where two barriers stand behind each other, one alone is not seen to be missing. */
  readonly and?: Edit;
}

/** So many seeds a mutation may take until it is caught. */
export const SEED_LIMIT = 200;

export const mutations: readonly Mutation[] = [
  {
    name: 'ack on delivery',
    guarantee: 'committed, then published, then acknowledged',
    file: 'shared/entity/pump.ts',
    find: '    if (message.type === WAKE) putNext(box, task);\n',
    replace: '    consumers.ack(receipt);\n    if (message.type === WAKE) putNext(box, task);\n',
  },
  {
    name: 'ack before the confirm',
    guarantee: 'published and confirmed, then acknowledged',
    file: 'shared/entity/commit.ts',
    find: '    const { key, id, journal, receipt } = settling;\n',
    replace:
      '    const { key, id, journal, receipt } = settling;\n    if (receipt !== undefined) consumers.ack(receipt);\n',
  },
  {
    name: 'no version check',
    guarantee: 'every write is a compare-and-set',
    file: 'shared/entity/memory-store.ts',
    find: 'if ((documents.get(document.key)?.version ?? 0) !== over) {',
    replace: 'if ((documents.get(document.key)?.version ?? 0) !== over && over < 0) {',
  },
  {
    name: 'duplicates applied',
    guarantee: 'a message is applied once',
    file: 'shared/entity/pump.ts',
    find: 'if (before !== undefined) {',
    replace: 'if (before !== undefined && document.version < 0) {',
  },
  {
    name: 'a partition keeps its cache',
    guarantee: 'a cache is dropped when its channel ends',
    file: 'shared/entity/mailboxes.ts',
    find: '        reset(box, []);\n        box.tasks = [];\n        boxes.delete(key);\n',
    replace:
      '        const { document } = box;\n        reset(box, []);\n        box.tasks = [];\n        box.document = document;\n',
  },
  {
    name: 'what was refused is forgotten',
    guarantee: 'a refused send is kept and sent again',
    file: 'shared/entity/commit.ts',
    find: '    if (refused.length > 0) {\n',
    replace: '    if (refused.length > 99) {\n',
  },
  {
    name: 'the journal is not written again',
    guarantee: 'ledger entries ride in the document until they are in the journal',
    file: 'shared/entity/document.ts',
    find: '      journal: [...pending(document.journal, known), ...(result.journal ?? [])],\n',
    replace: '      journal: [],\n',
  },
  {
    name: 'too late, and done all the same',
    guarantee: 'nothing that comes back late can act',
    file: 'shared/entity/pump.ts',
    find: 'return message.deadline !== undefined && message.deadline < clock.now();',
    replace: 'return message.deadline !== undefined && message.deadline < 0;',
  },
  {
    name: 'past the gate',
    guarantee: 'forward commands go through the gate',
    file: 'shared/entity/context.ts',
    find: "`${type.route}.${type.undo ? 'hash' : 'in'}`",
    replace: '`${type.route}.hash`',
  },
  {
    name: 'oldest undone first',
    guarantee: 'compensations mirror the effects',
    file: 'services/saga/undo.ts',
    find: 'state.steps.findLast((record) => isOwed(definition, record))',
    replace: 'state.steps.find((record) => isOwed(definition, record))',
  },
  {
    name: 'a time-out taken for a refusal',
    guarantee: 'a step that timed out is undone too',
    file: 'services/saga/advance.ts',
    find: "withRecord(state.steps, state.current, { end: 'timed-out' })",
    replace: "withRecord(state.steps, state.current, { end: 'refused' })",
  },
  {
    name: 'undo sent once',
    guarantee: 'an undo without an answer is sent again, without end',
    file: 'services/saga/undo.ts',
    find: '      send: outgoing(definition, state, current, undo, at),\n    };\n  }\n  if (answer.type',
    replace: '    };\n  }\n  if (answer.type',
  },
  {
    name: 'cancelled after the capture',
    guarantee: 'a cancel has no effect past the point of no return',
    file: 'services/saga/advance.ts',
    find: "state.phase === 'running' && position(state.current) < position(cancellableBefore)",
    replace: "state.phase === 'running' && position(cancellableBefore) > 0",
  },
  {
    name: 'captured twice',
    guarantee: 'a hold is resolved once, by the wallet and by the engine',
    file: 'services/wallet/wallet.ts',
    find: "        if (found.status === 'captured') return answer(keep(draft, found), found.capturedAt);\n        if (found.status !== 'open' ||",
    replace: "        if ((found.status !== 'open' && found.status !== 'captured') ||",
    and: {
      file: 'shared/entity/pump.ts',
      find: 'if (before !== undefined) {',
      replace: 'if (before !== undefined && document.version < 0) {',
    },
  },
  {
    name: 'release skipped',
    guarantee: 'undone means that the wallet is as before',
    file: 'services/wallet/wallet.ts',
    find: "        return answer(move(draft, 'release', released, context.now));",
    replace: '        return answer(keep(draft, { ...released, ...found }));',
  },
  {
    name: 'refund skipped',
    guarantee: 'what was captured comes back',
    file: 'services/wallet/wallet.ts',
    find: "        return answer(move(draft, 'refund', refunded, context.now));",
    replace: '        return answer(keep(draft, refunded));',
  },
  {
    name: 'an undo before its do is forgotten',
    guarantee: 'an owner remembers an undo and refuses a late do',
    file: 'services/wallet/wallet.ts',
    find: "if (!found || found.status === 'absent') return answer(forbid(draft, holdId, found, context, 'hold'));",
    replace: "if (!found || found.status === 'absent') return answer(draft);",
  },
  {
    name: 'more held than there is',
    guarantee: 'available is never negative',
    file: 'services/wallet/wallet.ts',
    find: "if (wallet.available < money.amount) return refuse('insufficient_funds');",
    replace: "if (wallet.available < 0) return refuse('insufficient_funds');",
  },
  {
    name: 'the provider keeps the money',
    guarantee: 'an undone order is not charged at the provider',
    file: 'services/payment/payment.ts',
    find: "  const { refunded } = await provider.refund(callOf(paymentId, 'refund', context));\n",
    replace: "  const refunded = callOf(paymentId, 'refund', context).paymentId === '';\n",
  },
  {
    name: 'the delivery stays arranged',
    guarantee: 'an undone order is not delivered',
    file: 'services/delivery/delivery.ts',
    find: '  await warehouse.cancel(callOf(contract.deliveryIdOf(orderId), context));\n',
    replace: '  callOf(contract.deliveryIdOf(orderId), context);\n',
  },
  {
    name: 'two mails of one outcome',
    guarantee: 'one mail per outcome',
    file: 'services/notify/notification.ts',
    find: 'const messageId = messageIdOf(orderId, outcome);',
    replace: 'const messageId = messageIdOf(`${orderId}-${context.attempt}`, outcome);',
  },
  {
    name: 'a completed order is undone',
    guarantee: 'nothing follows a terminal status',
    file: 'services/order/order.ts',
    find: "completed: state.status === 'completed' });",
    replace: 'completed: false });',
  },
  {
    name: 'the key of a request is not looked at',
    guarantee: 'the same idempotency key makes one order',
    file: 'services/gateway/submit.ts',
    find: '    if (existing === undefined || existing.resourceId === request.resourceId) return send(request, submission);\n',
    replace: '    if (existing !== null) return send(request, submission);\n',
  },
  {
    name: 'a request that was refused stays',
    guarantee: 'refused means that nothing happened',
    file: 'services/gateway/submit.ts',
    find: 'if (isRefusal(cause) && (await requests.withdraw(request.id))) return refusal(request, cause);',
    replace: 'if (isRefusal(cause)) return refusal(request, cause);',
  },
  {
    name: 'expired messages are dropped',
    guarantee: 'an expired message is never lost',
    file: 'services/circuit-breaker/moving.ts',
    find: '      await bus.publish(exchange, packet);\n',
    replace: "      if (!exchange.endsWith('.parked')) await bus.publish(exchange, packet);\n",
  },
  {
    name: 'put back and lost',
    guarantee: 'a parked message is acknowledged only after it was put back',
    file: 'services/circuit-breaker/redriving.ts',
    find: '      await bus.publish(exchange, packet);\n      if (ended.aborted) return;\n',
    replace: '      from.ack(delivery);\n      await bus.publish(exchange, packet);\n',
  },
];
