// The table of one processor variant; CTK_TABLE and CTK_NAME are set.

const ctk_kernel_table CTK_TABLE = {
    .name = CTK_NAME,
    .lanes = CTK_LANES,
    .bias_activation = bias_activation,
    .activation_backward = activation_backward,
    .bias_dropout_residual_norm = bias_dropout_residual_norm,
    .norm_backward = norm_backward,
    .norm_parameter_gradients = norm_parameter_gradients,
    .dropout = dropout,
    .column_sums = column_sums,
    .add_bias = add_bias,
    .add = add,
    .add_squares = add_squares,
    .sum_of_squares = sum_of_squares,
    .gather = gather,
    .keep_columns = keep_columns,
    .adamw = adamw,
    .adamw_scattered = adamw_scattered,
    .attention_forward = attention_forward,
    .attention_backward = attention_backward,
};
