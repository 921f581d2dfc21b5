/** Deliberate defects, one per guarantee. Each is applied to a copy of the tree; the simulation has to catch it. */
import { ofLimits } from './mutations-of-limits.ts';
import { ofExecutors } from './mutations-of-executors.ts';
import { ofBaskets } from './mutations-of-baskets.ts';
import { ofCheckouts } from './mutations-of-checkouts.ts';
import { ofStock } from './mutations-of-stock.ts';
import type { Mutation } from './mutation.ts';

/** So many seeds a mutation may take until it is caught. */
export const SEED_LIMIT = 200;

export const mutations: readonly Mutation[] = [
  {
    name: 'ack on delivery',
    guarantee: 'committed, then published, then acknowledged',
    file: 'shared/entity/delivery.ts',
    find: "    if (task.kind === 'wake') putNext(box, task);\n",
    replace: "    consumers.ack(receipt);\n    if (task.kind === 'wake') putNext(box, task);\n",
  },
  {
    name: 'ack before the confirm',
    guarantee: 'published and confirmed, then acknowledged',
    file: 'shared/entity/outbox.ts',
    find: '    const alive = (): boolean => consumers.alive(channel);\n',
    replace:
      '    const alive = (): boolean => consumers.alive(channel);\n    if (receipt !== undefined) consumers.ack(receipt);\n',
  },
  {
    name: 'no version check',
    guarantee: 'every write is a compare-and-set',
    file: 'shared/entity/stores/memory-store.ts',
    find: 'if ((documents.get(key)?.version ?? over) !== over) {',
    replace: 'if ((documents.get(key)?.version ?? over) !== over && over < 0) {',
  },
  {
    name: 'duplicates applied',
    guarantee: 'a message is applied once',
    file: 'shared/entity/verdict.ts',
    find: "if (before !== undefined) return { is: 'duplicate', before };\n  if (document.stash.some",
    replace:
      "if (before !== undefined && document.version < 0) return { is: 'duplicate', before };\n  if (document.stash.some",
  },
  {
    name: 'a partition keeps its cache',
    guarantee: 'a cache is dropped when its channel ends',
    file: 'shared/entity/keys.ts',
    find: "        reset(box);\n        // A key that has moved to another partition may have messages of two channels in line: the living one's stay.\n        box.tasks = box.tasks.filter((task) => channelOf(task) !== undefined && !isGone(task));\n        const [next] = box.tasks;\n        if (next === undefined) {\n          drop(box);\n",
    replace:
      '        const { document } = box;\n        reset(box);\n        box.document = document;\n        box.tasks = box.tasks.filter((task) => channelOf(task) !== undefined && !isGone(task));\n        const [next] = box.tasks;\n        if (next === undefined) {\n',
    // The next delivery would make it forget as well.
    and: {
      file: 'shared/entity/keys.ts',
      find: 'if (box.channel !== channel && !options.isAlive(box.channel)) reset(box);',
      replace: 'if (box.channel !== channel && key === undefined) reset(box);',
    },
  },
  {
    name: 'what was refused is forgotten',
    guarantee: 'a refused send is kept and sent again',
    file: 'shared/entity/outbox.ts',
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
    file: 'shared/entity/verdict.ts',
    find: 'return message.deadline !== undefined && message.deadline < now;',
    replace: 'return message.deadline !== undefined && message.deadline < 0;',
  },
  {
    name: 'past the gate',
    guarantee: 'forward commands go through the gate',
    file: 'shared/entity/entity.ts',
    find: "`${type.route}.${type.undo ? 'hash' : 'in'}`",
    replace: '`${type.route}.hash`',
  },
  {
    name: 'oldest undone first',
    guarantee: 'compensations mirror the effects',
    file: 'shared/saga/undo.ts',
    find: 'state.steps.findLast((record) => isOwed(definition, record))',
    replace: 'state.steps.find((record) => isOwed(definition, record))',
  },
  {
    name: 'a time-out taken for a refusal',
    guarantee: 'a step that timed out is undone too',
    file: 'shared/saga/advance.ts',
    find: "withRecord(state.steps, name, { end: 'timed-out' })",
    replace: "withRecord(state.steps, name, { end: 'refused' })",
  },
  {
    name: 'undo sent once',
    guarantee: 'an undo without an answer is sent again, without end',
    file: 'shared/saga/undo.ts',
    find: '      send: [outgoing(definition, state, record, undo, at)],\n    };\n  }\n  if (answer.type',
    replace: '    };\n  }\n  if (answer.type',
  },
  {
    name: 'cancelled after the capture',
    guarantee: 'a cancel has no effect past the point of no return',
    file: 'shared/saga/advance.ts',
    find: 'recordOf(state.steps, cancellableBefore)',
    replace: 'recordOf(state.steps, `${cancellableBefore}?`)',
  },
  {
    name: 'a step is sent before what it waits for',
    guarantee: 'a step is sent when all that it waits for is done',
    file: 'shared/saga/forward.ts',
    find: 'recordOf(state.steps, name) === undefined && after.every(isDone)',
    replace: 'recordOf(state.steps, name) === undefined && after.length > 0',
  },
  {
    name: 'what was outstanding at a cancel is not undone',
    guarantee: 'what was sent and not answered may have had its effect',
    file: 'shared/saga/undo.ts',
    find: "return undo === undefined && end !== 'refused' &&",
    replace: "return undo === undefined && end !== 'refused' && !((end ?? '') === '' && answeredAt === undefined) &&",
    and: {
      file: 'shared/saga/undo.ts',
      find: '{ name, end, undo }: StepRecord',
      replace: '{ name, end, undo, answeredAt }: StepRecord',
    },
  },
  {
    name: 'what was refused is undone',
    guarantee: 'what never happened is not taken back: no stock is released that was not reserved',
    file: 'shared/saga/undo.ts',
    find: "return undo === undefined && end !== 'refused' &&",
    replace: 'return undo === undefined &&',
  },
  {
    name: 'the order is completed without its payment',
    guarantee: 'the payment is stored in the order when it is completed, whatever came when',
    file: 'services/order/order.ts',
    find: 'withSettled(before, told, context);',
    replace: "before.status === 'pending' ? ({ ...before, status: 'paid' } as typeof before) : before;",
  },
  {
    name: 'captured twice',
    guarantee: 'a hold is resolved once, by the wallet and by the engine',
    file: 'services/wallet/wallet.ts',
    find: "        if (found.status === 'captured') return answer(keep(draft, found), found.capturedAt);\n        if (found.status !== 'open' ||",
    replace: "        if ((found.status !== 'open' && found.status !== 'captured') ||",
    and: {
      file: 'shared/entity/verdict.ts',
      find: "if (before !== undefined) return { is: 'duplicate', before };\n  if (document.stash.some",
      replace:
        "if (before !== undefined && document.version < 0) return { is: 'duplicate', before };\n  if (document.stash.some",
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
    find: "    : await provider.refund(callOf(paymentId, 'refund', context));\n",
    replace: "    : { refunded: callOf(paymentId, 'refund', context).paymentId === '' };\n",
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
    name: 'a log row left out',
    guarantee: 'whoever replays the log of an order comes to its status',
    file: 'services/saga/order-logs.ts',
    find: '  const added = rows.slice(known.length);\n',
    replace: '  const added = rows.slice(known.length + 1);\n',
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
    find: '    await bus.publish(exchange, packet);\n',
    replace: "    if (!exchange.endsWith('.parked')) await bus.publish(exchange, packet);\n",
  },
  {
    name: 'put back and lost',
    guarantee: 'a parked message is acknowledged only after it was put back',
    file: 'services/circuit-breaker/redriving.ts',
    find: '      await bus.publish(exchange, packet);\n      if (ended.aborted) return;\n',
    replace: '',
  },
  {
    name: 'decisions from unmajority reads',
    guarantee: 'what is read to decide cannot be rolled back',
    file: 'shared/database/majority.ts',
    find: "= { readConcern: { level: 'majority' }",
    replace: "= { readConcern: { level: 'local' }",
  },
  {
    name: 'written to one is written',
    guarantee: 'what follows from a write waits until the write cannot be rolled back',
    file: 'shared/database/majority.ts',
    find: "writeConcern: { w: 'majority', journal: true } };",
    replace: 'writeConcern: { w: 1, journal: true } };',
  },
  ...ofLimits,
  ...ofStock,
  ...ofCheckouts,
  ...ofBaskets,
  ...ofExecutors,
];
